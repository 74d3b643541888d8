/** A job whose worker died may be the reason: it runs alone from then on, and only what it does alone counts against it. */

import { assert, assertEquals } from "@std/assert";
import { isSuspect } from "../../lib/job/record.ts";
import type { SuspectMode } from "../../lib/store/worker_types.ts";
import { Bench } from "./support.ts";

/** The ids of a claim, and what kind of reply it was. */
async function claimed(
  bench: Bench,
  mode: SuspectMode,
  wanted = 10,
  ahead = 0,
): Promise<[kind: string, ...ids: string[]]> {
  const worker = await bench.worker();
  const reply = await bench.workers.claim(worker, {
    jobs: wanted,
    prefetch: ahead,
    mode,
  });
  return [reply.kind, ...reply.executions.map(({ job }) => job.id)];
}

/** Jobs that one worker had in hand together when it died. */
async function lost(bench: Bench, ids: readonly string[]): Promise<void> {
  const worker = await bench.worker("dead");
  for (const id of ids) await bench.add(id);
  const reply = await bench.workers.claim(worker, {
    jobs: ids.length,
    mode: "free",
  });
  assertEquals(reply.executions.length, ids.length);
  for (const execution of reply.executions) await bench.expire(execution);
  await bench.sweep();
}

async function losses(bench: Bench, id: string): Promise<number> {
  const mark = await bench.field(id, "x_abandoned");
  return Number(mark?.split(" ")[0]);
}

Deno.test("what dies beside others counts against none of them, and makes all of them suspects", async () => {
  await using bench = await Bench.open();
  const ids = ["a", "b", "c"];
  await lost(bench, ids);
  assertEquals((await bench.queued()).toSorted(), ids);
  for (const id of ids) {
    assertEquals(await losses(bench, id), 0);
    assert(isSuspect((await bench.jobs.fetch(id))!));
  }
});

Deno.test("a suspect is claimed alone, by free hands only, and what is around it stays where it is", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s"]);
  await bench.add("first", { atFront: true });
  for (const id of ["b", "c"]) await bench.add(id);
  assertEquals(await claimed(bench, "free"), ["jobs", "first"]);
  assertEquals(await bench.queued(), ["s", "b", "c"]);
  assertEquals(await claimed(bench, "stop"), ["suspect"]);
  assertEquals(await claimed(bench, "stop", 0, 10), ["suspect"]);
  assertEquals(await bench.queued(), ["s", "b", "c"]);
  assertEquals(await claimed(bench, "free"), ["jobs", "s"]);
  assertEquals(await bench.queued(), ["b", "c"]);
});

Deno.test("suspects that are passed over keep their places, and what is behind them is claimed", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s", "t"]);
  for (const id of ["a", "b", "c"]) await bench.add(id);
  await bench.send("DEL", "rq:queue:q");
  await bench.send("RPUSH", "rq:queue:q", "t", "a", "s", "b", "c");
  assertEquals(await claimed(bench, "pass", 2), ["jobs", "a", "b"]);
  assertEquals(await bench.queued(), ["t", "s", "c"]);
  assertEquals(await claimed(bench, "pass", 2), ["jobs", "c"]);
  assertEquals(await claimed(bench, "pass", 2), ["suspect"]);
  assertEquals(await bench.queued(), ["t", "s"]);
});

Deno.test("all that a worker left behind which ran hundreds at once is passed over by one claim", async () => {
  await using bench = await Bench.open();
  const ids = Array.from({ length: 400 }, (_, i) => `s-${i}`);
  await lost(bench, ids);
  await bench.add("behind");
  assertEquals(await claimed(bench, "pass", 1), ["jobs", "behind"]);
  assertEquals(await bench.queued(), ids);
});

Deno.test("a suspect of a queue that comes first keeps the others from a worker that is to have free hands", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s"]);
  await bench.add("low", { queue: "low" });
  const worker = await bench.worker("w2", ["q", "low"]);
  const kind = async (mode: SuspectMode) => {
    const reply = await bench.workers.claim(worker, {
      jobs: 5,
      mode,
    });
    return [reply.kind, ...reply.executions.map(({ job }) => job.id)];
  };
  assertEquals(await kind("stop"), ["suspect"]);
  assertEquals(await kind("pass"), ["jobs", "low"]);
});

Deno.test("a suspect that was caught by a worker with other jobs in hand goes back to the head of its queue", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s"]);
  await bench.add("b");
  const worker = await bench.worker();
  const intermediate = "rq:queue:q:intermediate";
  await bench.send("LMOVE", "rq:queue:q", intermediate, "LEFT", "LEFT");
  const caught = [{ queue: "q", jobId: "s" }];
  const busy = await bench.tryClaim(worker, caught, "stop");
  assertEquals([busy.kind, busy.execution], ["suspect", null]);
  assertEquals(await bench.queued(), ["s", "b"]);
  assertEquals(await bench.send("LLEN", intermediate), 0);
});

Deno.test("a suspect that loses its worker again is charged, however the worker claimed it", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s"]);
  const worker = await bench.worker();
  for (const mode of ["free", "only", "free"] as const) {
    const { execution } = await bench.tryClaim(worker, [], mode);
    await bench.expire(execution!);
    await bench.sweep();
  }
  assertEquals(await losses(bench, "s"), 3);
  const { execution } = await bench.tryClaim(worker, [], "free");
  await bench.expire(execution!);
  assertEquals((await bench.sweep()).failed, ["s"]);
  assertEquals(await bench.status("s"), "failed");
  assertEquals(await bench.field("s", "x_abandoned"), null);
});

Deno.test.each(
  [
    { outcome: "failed", stays: false },
    { outcome: "requeued", stays: false },
    { outcome: "released", stays: true },
  ] as const,
)(
  "a suspect that is $outcome is one in its next stay in the queue: $stays",
  async ({ outcome, stays }) => {
    await using bench = await Bench.open();
    await lost(bench, ["s"]);
    const worker = await bench.worker();
    const execution = await bench.claim(worker);
    await bench.end(worker, execution, { outcome, ttl: 500 });
    if (outcome === "failed") await bench.jobs.requeue("s", false);
    assertEquals(await bench.queued(), ["s"]);
    assertEquals(isSuspect((await bench.jobs.fetch("s"))!), stays);
  },
);

Deno.test("losses do not outlive a requeue, whoever does it", async () => {
  await using bench = await Bench.open();
  await lost(bench, ["s"]);
  const worker = await bench.worker();
  await bench.expire(await bench.claim(worker));
  await bench.sweep();
  assertEquals(await losses(bench, "s"), 1);
  // As Python's worker and `rq requeue` do: it knows nothing of the mark.
  await bench.send("DEL", "rq:queue:q");
  const enqueuedAt = "2030-01-01T00:00:00.000000Z";
  await bench.send("HSET", "rq:job:s", "enqueued_at", enqueuedAt);
  await bench.send("RPUSH", "rq:queue:q", "s");
  await bench.add("b");
  assertEquals(await claimed(bench, "stop"), ["jobs", "s", "b"]);
});
