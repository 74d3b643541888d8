/** `deno task`, as a user runs it. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { resolves } from "../../.ci/jsr.ts";
import { ROOT } from "../support/paths.ts";

async function task(
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `${ROOT}/.ci/task.ts`, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, output: `${text.decode(stdout)}${text.decode(stderr)}` };
}

Deno.test("a task that there is not is refused with those that there are", async () => {
  const { code, output } = await task(["tset"]);
  assertEquals(code, 1);
  assertMatch(output, /^Cannot run task "tset": there are .*\btest\b/m);
});

Deno.test("a task hands on its arguments and the exit code", async () => {
  const good = await task(["test", "tests/job/names_test.ts"]);
  assertEquals(good.code, 0, good.output);
  assertStringIncludes(good.output, "names_test.ts");
  const bad = await task(["test", "tests/no_such_test.ts"]);
  assertEquals(bad.code, 1, bad.output);
});

Deno.test("every task of deno.json is known to .ci/task.ts", async () => {
  const { output } = await task([]);
  for (const name of Object.keys(config.tasks)) {
    assertStringIncludes(output, name);
  }
});

Deno.test("resolves() tells what Deno can load from what it cannot", async () => {
  assertEquals(await resolves(`${ROOT}/lib/base/version.ts`), true);
  assertEquals(await resolves(`${ROOT}/no_such_file.ts`), false);
});
