/** What the files in examples/deploy call exists, and does what they want of it. */

import { assert, assertEquals } from "@std/assert";
import { findCommand } from "../../lib/cli/commands.ts";
import { parseFlags } from "../../lib/cli/flags.ts";
import { queuesOf, workerOptions } from "../../lib/cli/worker_flags.ts";
import { checkSettings } from "../../lib/worker/check_settings.ts";
import { testUnless } from "../support/skip.ts";

const DEPLOY = new URL("../../examples/deploy/", import.meta.url);
const FILES = [
  "Dockerfile",
  "compose.yaml",
  "kubernetes.yaml",
  "rq-worker.service",
];

/** How the worker is called in them. */
const WORKER = "jsr:@deno-rq/rq/worker";

function read(file: string): string {
  return Deno.readTextFileSync(new URL(file, DEPLOY));
}

/** Lists of words in a file, and its command lines. */
function commandsIn(file: string): string[][] {
  const text = read(file);
  const lists = [...text.matchAll(/\[("[^\]]*)\]|\[\s*("[^\]]*)\]/g)]
    .map(([list]) => JSON.parse(list.replace(/,\s*\]$/, "]")) as string[]);
  const lines = [...text.matchAll(/^ExecStart=(.*)$/gm)]
    .map(([, line]) => line!.split(" "));
  return [...lists, ...lines];
}

Deno.test("every file of examples/deploy is looked at", () => {
  const files = [...Deno.readDirSync(DEPLOY)].map(({ name }) => name);
  assertEquals(files.sort(), FILES.toSorted());
});

Deno.test.each(FILES)(
  "%s starts workers with flags that there are",
  async (file) => {
    const calls = commandsIn(file).filter((words) => words.includes(WORKER));
    assertEquals(calls.length, 1);
    for (const words of calls) {
      const args = words.slice(words.indexOf(WORKER) + 1);
      const called = findCommand(args);
      assert("load" in called && called.isNamed);
      const { command } = await called.load();
      const flags = parseFlags(called.args, command.flags);
      const settings = checkSettings(
        queuesOf(flags),
        workerOptions(flags, () => {}),
      );
      assertEquals(settings.queues, ["high", "low"]);
      assertEquals(settings.grace, 50);
    }
  },
);

/** The probes, as shell commands. */
const PROBES = ["compose.yaml", "kubernetes.yaml"].flatMap((file) =>
  commandsIn(file).filter((words) => words.join(" ").includes("find /tmp"))
    .map((words) => ({ file, probe: words.at(-1)! }))
);

Deno.test("there is a probe for each", () => {
  assertEquals(PROBES.map(({ file }) => file), [
    "compose.yaml",
    "kubernetes.yaml",
  ]);
});

Deno.test.each(PROBES)(
  "the probe of $file tells a worker that lives from one that hangs",
  async ({ file, probe }) => {
    const directory = await Deno.makeTempDir({ prefix: "rq-probe-" });
    await using _ = {
      [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
    };
    const beat = `${directory}/alive`;
    const answers = async () => {
      const { success } = await new Deno.Command("sh", {
        args: ["-c", probe.replaceAll("/tmp/alive", beat)],
      }).output();
      return success;
    };
    // Before it takes jobs: not ready, and for Kubernetes, which asks for that apart, no reason to kill it.
    assertEquals(await answers(), file === "kubernetes.yaml");
    await Deno.writeTextFile(beat, "");
    assertEquals(await answers(), true);
    const old = new Date(Date.now() - 120_000);
    await Deno.utime(beat, old, old);
    assertEquals(await answers(), false);
  },
);

/** Why units cannot be checked here. */
function noSystemd(): string | undefined {
  try {
    new Deno.Command("systemd-analyze", { args: ["--version"] }).outputSync();
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no systemd-analyze";
  }
}

testUnless(
  noSystemd(),
  "systemd finds nothing wrong with rq-worker.service",
  async () => {
    const directory = await Deno.makeTempDir({ prefix: "rq-unit-" });
    await using _ = {
      [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
    };
    // It wants the program to exist.
    const unit = read("rq-worker.service")
      .replace(/^ExecStart=\S+/m, `ExecStart=${Deno.execPath()}`);
    await Deno.writeTextFile(`${directory}/rq-worker.service`, unit);
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", `${directory}/rq-worker.service`],
    }).output();
    const said = [stdout, stderr].map((text) => new TextDecoder().decode(text));
    assertEquals({ code, said }, { code: 0, said: ["", ""] });
  },
);
