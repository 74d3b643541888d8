import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { canImport, childPermissions } from "../../lib/runner/permissions.ts";
import { FIXTURES, TestRunner } from "./support.ts";

const FILE = "/etc/hostname";

Deno.test("A job without any permission runs, and can still enqueue", async () => {
  await using t = await TestRunner.create({ flags: [] });
  assertEquals(await t.result("jobs.greet", ["you"]), "hello, you");
  assertEquals(await t.result("lingers.one"), 1);
  await t.result("jobs.useCurrent");
  assertEquals(t.calls.length, 5);
});

Deno.test("A job that oversteps fails with Deno's own message", async () => {
  await using t = await TestRunner.create({ flags: [] });
  const failure = await t.failure("jobs.readFile", [FILE]);
  assertEquals(failure.reason, "error");
  assertStringIncludes(
    failure.message,
    `NotCapable: Requires read access to "${FILE}"`,
  );
});

Deno.test("A job has exactly the permissions that are given", async () => {
  await using t = await TestRunner.create({
    flags: [`--allow-read=${FIXTURES},${FILE}`, "--deny-net"],
  });
  assertEquals(typeof await t.result("jobs.readFile", [FILE]), "string");
  const failure = await t.failure("jobs.readFile", ["/etc/passwd"]);
  assertStringIncludes(
    failure.message,
    'Requires read access to "/etc/passwd"',
  );
});

Deno.test("A job's stdin is empty, and that of what it starts", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.readStdin"), null);
  const ids = ["new-1", "new-2", "new-3", "new-4", "new-5"];
  assertEquals(await t.result("jobs.startReaders"), ids);
});

Deno.test("childPermissions() hands on the worker's own", async () => {
  assertEquals(await childPermissions(undefined), {
    flags: ["--allow-all"],
    warnings: [],
  });
});

Deno.test.each([
  {
    given: [],
    flags: [],
    warned: ["read", "write", "net", "env", "run", "sys", "ffi"],
  },
  {
    given: ["--allow-read", "--allow-net=a.com", "--allow-env", "--deny-env=A"],
    flags: ["--allow-read"],
    warned: ["write", "net", "env", "run", "sys", "ffi"],
  },
])(
  "childPermissions() of a worker with $given hands on $flags",
  async ({ given, flags, warned }) => {
    const url = new URL("../../lib/runner/permissions.ts", import.meta.url);
    const code = `import { childPermissions } from "${url}";
    console.log(JSON.stringify(await childPermissions(undefined)));`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--no-config",
        ...given,
        `data:application/javascript,${encodeURIComponent(code)}`,
      ],
    }).output();
    const found = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals(found.flags, flags);
    assertEquals(
      [...found.warnings.join().matchAll(/--job-allow-(\w+)/g)]
        .map(([, name]) => name),
      [...warned],
    );
  },
);

Deno.test.each(["--allow-nte", "--reload", "allow-net", "--allow-net="])(
  "childPermissions() refuses the flag %s",
  async (flag) => {
    await assertRejects(() => childPermissions([flag]), TypeError, flag);
  },
);

Deno.test.each([
  { flags: ["-A"], url: "file:///srv/jobs/a.ts", can: true },
  { flags: ["-A"], url: "jsr:@me/jobs", can: true },
  { flags: ["-A", "--deny-read=/etc"], url: "file:///srv/a.ts", can: false },
  { flags: ["--allow-read"], url: "file:///srv/jobs/a.ts", can: true },
  { flags: ["--allow-read"], url: "jsr:@me/jobs", can: false },
  { flags: ["--allow-read=/srv"], url: "file:///srv/jobs/a.ts", can: true },
  {
    flags: ["--allow-read=/srv/jobs"],
    url: "file:///srv/jobs/a.ts",
    can: false,
  },
  { flags: ["--allow-read=/sr"], url: "file:///srv/jobs/a.ts", can: false },
  { flags: ["--allow-net"], url: "file:///srv/jobs/a.ts", can: false },
])("canImport() with $flags is $can for $url", ({ flags, url, can }) => {
  const config = "/srv/deno.json";
  assertEquals(canImport({ flags, warnings: [] }, url, config), can);
});

Deno.test.each([
  { given: ["--deny-net"], flags: ["--allow-all", "--deny-net"] },
  {
    given: ["--ignore-env=A", "--deny-run"],
    flags: ["--allow-all", "--ignore-env=A", "--deny-run"],
  },
  {
    given: ["--allow-net", "--deny-net=a.com"],
    flags: ["--allow-net", "--deny-net=a.com"],
  },
  { given: ["--allow-none", "--deny-net"], flags: ["--deny-net"] },
  { given: ["--allow-none"], flags: [] },
  { given: [], flags: [] },
])("childPermissions() of $given are $flags", async ({ given, flags }) => {
  assertEquals(await childPermissions(given), { flags, warnings: [] });
});
