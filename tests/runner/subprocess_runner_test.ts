import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { FIXTURES, TestRunner } from "./support.ts";

Deno.test.each([
  {
    what: "throws",
    code: 'throw new Error("at import");',
    message: "Error: at import",
  },
  {
    what: "has a syntax error",
    code: "export const f = (;",
    message: "Expression expected",
  },
  {
    what: "imports what is not there",
    code: 'import "./gone.ts";',
    message: "gone.ts",
  },
])(
  "SubprocessRunner.run() fails a job whose module $what, with any permissions",
  async ({ code, message }) => {
    const dir = await Deno.makeTempDir();
    await Deno.writeTextFile(`${dir}/bad.ts`, code);
    for (const flags of [["-A"], []]) {
      await using t = await TestRunner.create({ paths: [dir], flags });
      for (let i = 0; i < 2; i++) {
        const failure = await t.failure("bad.f");
        assertEquals(failure.reason, "load");
        assertStringIncludes(failure.message, message);
      }
    }
    await Deno.remove(dir, { recursive: true });
  },
);

Deno.test("currentJob throws outside of a job", async () => {
  const { currentJob } = await import("../../lib/runner/current.ts");
  for (const use of [() => currentJob.id, () => currentJob.progress(1)]) {
    assertMatch(
      String(await rejection(use)),
      /Cannot use currentJob: no job is running/,
    );
  }
});

async function rejection(use: () => unknown): Promise<unknown> {
  try {
    return await use();
  } catch (error) {
    return error;
  }
}

Deno.test.each([
  { what: "leaves nothing behind after 200 jobs", script: "leaves_nothing" },
  {
    what: "starts another subprocess when those that wait have died",
    script: "waiting_died",
  },
])("SubprocessRunner $what", async ({ script }) => {
  // In a process of its own, whose children can be counted.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `${FIXTURES}/${script}.ts`],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});

Deno.test("SubprocessRunner.run() fails a job whose subprocess cannot start, and starts no storm", async () => {
  const dir = await Deno.makeTempDir();
  const script = `${dir}/deno`;
  await Deno.writeTextFile(
    script,
    `#!/bin/sh\necho start >> ${dir}/starts\necho "no such flag" >&2\nexit 7\n`,
    { mode: 0o755 },
  );
  await using t = await TestRunner.create({ execPath: script });
  for (let i = 0; i < 3; i++) {
    const failure = await t.failure("jobs.one");
    assertEquals(failure.reason, "start");
    assertStringIncludes(failure.message, "exit code 7 before it was ready");
    assertStringIncludes(failure.excInfo, "no such flag");
    for (let j = 0; j < 20; j++) t.runner.prepare();
  }
  const starts = await Deno.readTextFile(`${dir}/starts`);
  assert(starts.split("\n").length < 15, starts);
  await Deno.remove(dir, { recursive: true });

  await using u = await TestRunner.create({ execPath: "/nowhere/deno" });
  assertStringIncludes((await u.failure("jobs.one")).message, "/nowhere/deno");
});
