/** Effects of concurrent jobs on each other. */

import { assert, assertRejects } from "@std/assert";
import { TestRunner, until } from "./support.ts";

Deno.test("a job that is stopped while it waits to run alone stops at once", async () => {
  await using t = await TestRunner.create({ way: "shared", maxAlone: 1 });
  await t.result("jobs.nap", [0]);
  const gate = await Deno.makeTempDir();
  // Nobody can tell which of them it was: each is begun again alone.
  const pids = `${gate}/pids`;
  const open = `${gate}/open`;
  let isFirstOver = false;
  const first = t.run("jobs.meet", [pids, open], { timeout: 10 })
    .finally(() => isFirstOver = true);
  const abort = new AbortController();
  const second = t.run("jobs.meet", [pids, open], { signal: abort.signal });
  const lines = () => {
    try {
      return Deno.readTextFileSync(pids).trim().split("\n");
    } catch {
      return [];
    }
  };
  await until("both run", () => lines().length === 2);
  Deno.kill(Number(lines()[0]), "SIGKILL");
  await until("one runs alone", () => lines().length === 3);
  abort.abort(new Error("stopped"));
  await assertRejects(() => second, Error, "stopped");
  assert(!isFirstOver, "it waited for its turn");
  await Deno.writeTextFile(open, "");
  await first;
  await Deno.remove(gate, { recursive: true });
});
