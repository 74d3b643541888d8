/** Jobs that kill their worker, and the jobs that ran beside them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench, Ledger } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { assertDrained, finished, Fleet, kill } from "./support.ts";

/** Lets every lease run out now. */
async function expireLeases(bench: Bench): Promise<void> {
  const key = "rq:wip:low";
  const members = await bench.client.send("ZRANGE", [key, 0, -1]) as string[];
  const scores = members.flatMap((member) => [1, member]);
  if (scores.length > 0) {
    await bench.client.send("ZADD", [key, "XX", ...scores]);
  }
}

/** Starts one worker after the other until one finds nothing to do; returns how many were killed. */
async function workersUntilDone(
  bench: Bench,
  fleet: Fleet,
  flags: readonly string[],
): Promise<number> {
  for (let killed = 0;; killed++) {
    assert(killed < 30, "workers are killed without end");
    const worker = fleet.start("low", "--burst", ...flags);
    const { code } = await worker.ended({ timeout: 60_000 });
    if (code === 0) return killed;
    await expireLeases(bench);
  }
}

const CASES = [
  { isolation: "shared", concurrency: 20 },
  { isolation: "reuse", concurrency: 8 },
  { isolation: "process", concurrency: 8 },
];

Deno.test.each(CASES)(
  "jobs beside some that kill their worker finish, and only those fail ($isolation)",
  async ({ isolation, concurrency }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using fleet = new Fleet(redis.url);
    using ledger = new Ledger();
    const calls = Array.from({ length: 18 }, (_, n) => ({
      func: "jobs.note",
      args: [ledger.path, `innocent ${n}`] as unknown[],
      jobId: `innocent-${n}`,
    }));
    calls.splice(3, 0, {
      func: "jobs.killsItsWorker",
      args: [],
      jobId: "poison-1",
    });
    calls.splice(9, 0, {
      func: "jobs.killsItsWorker",
      args: [],
      jobId: "poison-2",
    });
    calls.push({
      func: "jobs.killsItsWorkerAt",
      args: [[2, 3]],
      jobId: "late",
    });
    await bench.queue("low").enqueueMany(calls);
    const flags = ["--isolation", isolation, "--concurrency", `${concurrency}`];
    const killed = await workersUntilDone(bench, fleet, flags);
    for (let n = 0; n < 18; n++) {
      await bench.hasStatus(`innocent-${n}`, "finished");
    }
    await bench.hasStatus("late", "finished");
    for (const id of ["poison-1", "poison-2"]) {
      const job = await bench.queue("low").fetchJob(id);
      assertEquals(await job?.getStatus(), "failed");
      assertMatch(await job?.excInfo() ?? "", /^AbandonedJobError/);
    }
    // Each poison is put back three times; what is charged to nobody comes at most once for each of them.
    assert(killed >= 8 && killed <= 12, `${killed} workers were killed`);
    await assertDrained(bench, ["low"]);
  },
);

Deno.test("jobs whose worker was killed are run one at a time, each with nothing beside it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const spans = (names: string[]) =>
    bench.queue("low").enqueueMany(names.map((name) => ({
      func: "jobs.notesSpan",
      args: [ledger.path, name],
    })));
  const flags = ["--isolation", "shared", "--concurrency", "5"];
  await bench.queue("low").enqueueMany([1, 2, 3].map((n) => ({
    func: "jobs.noteOnce",
    args: [ledger.path, `lost ${n}`, gate],
  })));
  const worker = await fleet.listening("low", ...flags);
  await waitFor(() => ledger.lines().length === 3);
  await spans(["a", "b"]);
  await waitFor(() => ledger.lines().length === 7);
  await kill(worker);
  await expireLeases(bench);
  await Deno.writeTextFile(gate, "");
  await spans(["c", "d", "e"]);
  await fleet.listening("low", ...flags);
  await finished(bench, ["low"], 8, 30_000);
  await Deno.remove(gate);
  const lost = ledger.lines().slice(7).filter((line) => line.includes("lost"));
  // A job that ran beside another would have written between its two lines.
  assertEquals(lost.length, 6);
  for (let i = 0; i < 6; i += 2) {
    assertEquals(`began ${lost[i + 1]}`, lost[i], lost.join("\n"));
  }
});
