import { assertEquals, assertNotEquals } from "@std/assert";
import type { Outcome } from "../../lib/runner/runner.ts";
import { isAlive } from "../support/proc.ts";
import { waitFor } from "../support/wait_for.ts";
import { TestRunner } from "./support.ts";

const MANY = { prewarm: 1, maxJobsPerProcess: 1_000 };

interface Counted {
  readonly pid: number;
  readonly calls: number;
  readonly id: string;
}

async function count(t: TestRunner): Promise<Counted> {
  return await t.result("jobs.countCalls") as Counted;
}

Deno.test("a process that is used again serves jobs one after the other, each with its own currentJob and output", async () => {
  await using t = await TestRunner.create(MANY);
  const first = await count(t);
  for (let n = 2; n <= 20; n++) {
    t.clear();
    const { pid, calls, id } = await count(t);
    assertEquals([pid, calls], [first.pid, n]);
    assertEquals(id, `job-${n}`);
    // All that it printed has been passed on by now.
    assertEquals([t.stdout(), t.stderr()], [`out ${n}\n`, `err ${n}\n`]);
  }
});

Deno.test("what is printed on stderr after many jobs that have printed nothing is passed on, too", async () => {
  await using t = await TestRunner.create(MANY);
  for (let n = 0; n < 30; n++) await t.result("jobs.nap", [0]);
  t.clear();
  await count(t);
  assertEquals(t.stdout(), "out 1\n");
  await waitFor(() => t.stderr() === "err 1\n");
  // From then on, it has been passed on once the job's end is told.
  for (let n = 2; n <= 10; n++) {
    t.clear();
    await count(t);
    assertEquals([t.stdout(), t.stderr()], [`out ${n}\n`, `err ${n}\n`]);
  }
});

Deno.test("a process ends after as many jobs as it may serve", async () => {
  await using t = await TestRunner.create({ prewarm: 1, maxJobsPerProcess: 3 });
  const served: Counted[] = [];
  for (let n = 0; n < 7; n++) served.push(await count(t));
  assertEquals(served.map(({ calls }) => calls), [1, 2, 3, 1, 2, 3, 1]);
  assertEquals(new Set(served.map(({ pid }) => pid)).size, 3);
  await waitFor(() => !isAlive(served[0]!.pid), {
    message: "it to be gone",
  });
});

Deno.test.each<[string, { args?: unknown[]; timeout?: number }]>([
  ["jobs.fail", {}],
  ["jobs.rejectUnheard", {}],
  ["jobs.badResult", { args: ["bigint"] }],
  ["jobs.exitWith", { args: [3] }],
  ["jobs.killSelf", {}],
  ["jobs.spin", { timeout: 1 }],
  ["jobs.nowhere", {}],
])("a process does not outlive %s", async (name, options) => {
  await using t = await TestRunner.create(MANY);
  const before = await count(t);
  const outcome = await t.run(name, options.args ?? [], options);
  assertEquals(outcome.type, "failure");
  const after = await count(t);
  assertNotEquals(after.pid, before.pid);
  assertEquals(after.calls, 1);
  await waitFor(() => !isAlive(before.pid));
});

Deno.test("a signal kills the process and what it runs, and the next job gets another", async () => {
  await using t = await TestRunner.create(MANY);
  const before = await count(t);
  const controller = new AbortController();
  const running = t.run("jobs.spin", [], { signal: controller.signal });
  running.catch(() => undefined);
  await waitFor(() => isAlive(before.pid));
  controller.abort(new Error("stop"));
  const outcome = await running.then(() => "ended", (error) => error.message);
  assertEquals(outcome, "stop");
  assertNotEquals((await count(t)).pid, before.pid);
});

Deno.test("several jobs at once have a process each, and no more processes than that stay", async () => {
  await using t = await TestRunner.create({ ...MANY, prewarm: 3 });
  const pids = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const counted = await Promise.all([count(t), count(t), count(t)]);
    assertEquals(new Set(counted.map(({ pid }) => pid)).size, 3);
    counted.forEach(({ pid }) => pids.add(pid));
  }
  assertEquals(pids.size, 3);
});

/** The same job has the same outcome in every isolation. */
Deno.test.each<[string, unknown[], Record<string, unknown>]>([
  ["jobs.one", [], {}],
  ["jobs.greet", ["you"], { kwargs: { mark: "!" } }],
  ["jobs.echo", [1, "two", null, { three: [3] }], {}],
  ["jobs.nothing", [], {}],
  ["jobs.default", [], {}],
  ["jobs.thenable", [], {}],
  ["jobs.fail", [], {}],
  ["jobs.failMany", [], {}],
  ["jobs.throwValue", ["text"], {}],
  ["jobs.badResult", ["bigint"], {}],
  ["jobs.answer", [], {}],
  ["jobs.exitWith", [3], {}],
  ["jobs.returnOnAbort", [], { timeout: 1 }],
  ["nowhere.one", [], {}],
])(
  "%s with %s ends alike in a fresh process and in one that is used again",
  async (name, args, options) => {
    const outcomes: Outcome[] = [];
    for (const maxJobsPerProcess of [1, 1_000]) {
      await using t = await TestRunner.create({
        prewarm: 1,
        maxJobsPerProcess,
      });
      await t.result("jobs.one");
      outcomes.push(await t.run(name, args, options));
    }
    assertEquals(outcomes[0], outcomes[1]);
  },
);
