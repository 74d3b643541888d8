import { assert, assertEquals } from "@std/assert";
import { listProcesses } from "../../lib/runner/process_table.ts";
import { isAlive } from "../support/proc.ts";
import { pidsIn, TestRunner, until } from "./support.ts";

Deno.test.each([
  { how: "returns", func: "detachAndReturn", timeout: 60 },
  { how: "calls Deno.exit()", func: "detachAndExit", timeout: 60 },
  { how: "goes on beyond its time", func: "detachAndHang", timeout: 1 },
])(
  "what a job starts in a session of its own ends with it: one that $how",
  async ({ func, timeout }) => {
    await using t = await TestRunner.create();
    const outcome = await t.run(`leavers.${func}`, [], { timeout });
    const pids = outcome.type === "success"
      ? JSON.parse(outcome.result!) as number[]
      : pidsIn(t.stdout());
    assertEquals(pids.length, 2);
    await until("they are gone", () => !pids.some(isAlive));
  },
);

Deno.test("what several jobs side by side have started ends with their process", async () => {
  const pids: number[] = [];
  {
    await using t = await TestRunner.create({ way: "shared" });
    const started = await Promise.all([
      t.result("leavers.detachAndReturn"),
      t.result("leavers.detachAndReturn"),
    ]);
    pids.push(...started.flat() as number[]);
    assert(pids.every(isAlive));
  }
  await until("they are gone", () => !pids.some(isAlive));
});

Deno.test("listProcesses() finds this process, with its memory and its parent", async () => {
  const own = (await listProcesses()).find(({ pid }) => pid === Deno.pid)!;
  assertEquals(own.parent, Deno.ppid);
  const { rss } = Deno.memoryUsage();
  assert(own.memory > rss / 2 && own.memory < rss * 2);
});
