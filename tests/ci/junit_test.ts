/** Counting tests in Deno's own report. */

import { assertEquals } from "@std/assert";
import { tally } from "../../.ci/junit.ts";

async function reportOf(code: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a_test.ts`, code);
    await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", "--no-check", "--junit-path=report.xml"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    return await Deno.readTextFile(`${folder}/report.xml`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("tally() counts tests and not their steps, and names what was skipped", async () => {
  const report = await reportOf(`
    Deno.test("a > b & \\"c\\"", () => {});
    Deno.test("d", async (t) => {
      await t.step("good", () => {});
      await t.step("bad", () => { throw new Error("<skipped/>"); });
    });
    Deno.test("e", () => { throw new Error("no"); });
    Deno.test({ name: "f [skipped: no <Python> & co]", ignore: true, fn() {} });
  `);
  assertEquals(tally(report), {
    passed: 1,
    failed: 2,
    skipped: ["f [skipped: no <Python> & co]"],
  });
});

Deno.test("tally() of a report without tests, or of none, is nothing", async () => {
  const nothing = { passed: 0, failed: 0, skipped: [] };
  assertEquals(tally(await reportOf("")), nothing);
  assertEquals(tally(""), nothing);
});
