/** A job that blocks its process. */

import { assertEquals } from "@std/assert";
import { TestRunner } from "./support.ts";

Deno.test("a job whose time passes while another blocks their process does not fail for it", async () => {
  await using t = await TestRunner.create({ way: "shared" });
  await t.result("jobs.nap", [0]);
  const outcomes = await Promise.all([
    t.run("jobs.block", [3_000], { timeout: 60 }),
    t.run("jobs.nap", [100], { timeout: 1 }),
  ]);
  assertEquals(outcomes.map(({ type }) => type), ["success", "success"]);
});
