import { assertEquals, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import { Project } from "../support/project.ts";
import { FIXTURES, TestRunner } from "./support.ts";

/** A program to use as `deno`; in its text, `$DENO` is the real one. */
class Stand implements Disposable {
  readonly path: string;
  readonly #folder = Deno.makeTempDirSync();

  constructor(text: string) {
    this.path = `${this.#folder}/deno`;
    const deno = JSON.stringify(Deno.execPath());
    Deno.writeTextFileSync(this.path, `#!/bin/sh\nDENO=${deno}\n${text}\n`, {
      mode: 0o755,
    });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Runs a command if the subprocess has a project's configuration, else the real `deno`. */
const withConfig = (what: string) =>
  `case "$*" in *--config*) ${what} ;; esac\nexec "$DENO" "$@"`;

Deno.test.each([
  { how: "ends with 1", text: "echo error: no network >&2; exit 1" },
  { how: "cannot be started by a shell", text: "exit 127" },
  { how: "is killed", text: "kill -9 $$" },
  { how: "has a fault itself", text: withConfig("exit 101") },
  { how: "is killed with the project", text: withConfig("kill -9 $$") },
  {
    how: "finds no thread for the project",
    text: withConfig(
      "echo 'error: Resource temporarily unavailable (os error 11)' >&2; exit 1",
    ),
  },
])("a job is not to blame if deno $how", async ({ text }) => {
  using stand = new Stand(text);
  await using t = await TestRunner.create({ execPath: stand.path, prewarm: 0 });
  const { reason, message } = await t.failure("jobs.one");
  assertEquals(reason, "start");
  assertStringIncludes(message, "Cannot start the job's subprocess: ");
});

Deno.test("the reason is in the line for the log: the program, its end, and what it said", async () => {
  using stand = new Stand("echo 'error: no network' >&2; exit 1");
  await using t = await TestRunner.create({ execPath: stand.path, prewarm: 0 });
  assertEquals(
    (await t.failure("jobs.one")).message,
    `Cannot start the job's subprocess: ${stand.path} ended with exit code 1 before it was ready: no network`,
  );
});

Deno.test("a job is not to blame if its subprocess's main module cannot be loaded", async () => {
  const childUrl = "file:///nowhere/child.ts";
  for (const flags of [["-A"], []]) {
    await using t = await TestRunner.create({ childUrl, flags, prewarm: 0 });
    const { excInfo, reason } = await t.failure("jobs.one");
    assertEquals(reason, "start");
    assertStringIncludes(excInfo, childUrl);
  }
});

Deno.test("a job is not to blame if nothing becomes ready in time", async () => {
  using stand = new Stand("exec sleep 60");
  const options = { execPath: stand.path, prewarm: 0, bootTimeout: 100 };
  await using t = await TestRunner.create(options);
  const { message, reason } = await t.failure("jobs.one");
  assertEquals(reason, "start");
  assertStringIncludes(message, "was not ready after 0.1 seconds");
});

Deno.test("only the job is to blame if nothing but its project does not become ready in time", async () => {
  using stand = new Stand(withConfig("exec sleep 60"));
  const options = { execPath: stand.path, prewarm: 0, bootTimeout: 3_000 };
  await using t = await TestRunner.create(options);
  const { message, reason } = await t.failure("jobs.one");
  assertEquals(reason, "load");
  assertStringIncludes(message, "was not ready after 3 seconds");
});

Deno.test.each([
  {
    what: "a configuration that is none",
    files: { "deno.json": "{", "a.ts": "export default () => 1;" },
    flags: ["-A"],
    said: /deno\.json/,
  },
  {
    what: "a configuration that Deno refuses",
    files: {
      "deno.json": '{ "nodeModulesDir": 1 }',
      "a.ts": "export default () => 1;",
    },
    flags: ["-A"],
    said: /nodeModulesDir|node_modules/,
  },
  {
    what: "a lock file that is none",
    files: {
      "deno.json": "{}",
      "deno.lock": "{",
      "a.ts": "export default () => 1;",
    },
    flags: ["-A"],
    said: /lock/,
  },
  {
    what: "an import that is not there",
    files: { "deno.json": "{}", "a.ts": 'import "./gone.ts";' },
    flags: [],
    said: /gone\.ts/,
  },
])(
  "$what fails the jobs of its project only, in Deno's own words",
  async ({ files, flags, said }) => {
    using broken = new Project(files);
    using sound = new Project({
      "deno.json": "{}",
      "b.ts": "export default () => 2;",
    });
    const paths = [broken.path, sound.path];
    await using t = await TestRunner.create({
      paths,
      flags: [...flags],
    });
    const { excInfo, reason } = await t.failure("a.ts#default");
    assertEquals(reason, "load");
    assertEquals(said.test(excInfo), true, excInfo);
    assertEquals(await t.result("b.ts#default"), 2);
  },
);

Deno.test("a job is not to blame if this process may open no more files", async () => {
  const program = `${FIXTURES}/few_files.ts`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: [
      ...["-c", 'ulimit -n 64; exec "$@"', "sh"],
      ...[Deno.execPath(), "run", "-A", "--no-config", program],
    ],
  }).output();
  const decoder = new TextDecoder();
  assertEquals(
    decoder.decode(stdout),
    "start\nsuccess\n",
    decoder.decode(stderr),
  );
});

Deno.test("the subprocess's main module may be another one that runs jobs", async () => {
  const childUrl = pathToFileURL(`${FIXTURES}/own_child.ts`).href;
  for (const flags of [["-A"], []]) {
    await using t = await TestRunner.create({ childUrl, flags });
    assertEquals(await t.result("global.read", ["ownChild"]), "it is");
  }
});
