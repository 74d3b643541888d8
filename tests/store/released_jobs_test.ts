/** Jobs that are prefetched, and put back without having begun. */

import { assert, assertEquals } from "@std/assert";
import type { Execution } from "../../lib/store/worker_types.ts";
import { Bench } from "./support.ts";

function release(
  bench: Bench,
  worker: Parameters<Bench["end"]>[0],
  execution: Execution,
  ttl = -1,
): ReturnType<Bench["end"]> {
  return bench.end(worker, execution, {
    ...{ outcome: "released", payload: "", workedMs: 0, ttl },
  });
}

Deno.test("a claim takes further jobs of the first queue only", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["high", "low"]);
  for (const id of ["a", "b", "c"]) await bench.add(id, { queue: "low" });
  const first = await bench.workers.claim(worker, { jobs: 1, prefetch: 5 });
  assertEquals(first.executions.map(({ job }) => job.id), ["a"]);
  for (const id of ["d", "e", "f"]) await bench.add(id, { queue: "high" });
  const second = await bench.workers.claim(worker, { jobs: 1, prefetch: 1 });
  assertEquals(second.executions.map(({ job }) => job.id), ["d", "e"]);
  const third = await bench.workers.claim(worker, { jobs: 0, prefetch: 5 });
  assertEquals(third.executions.map(({ job }) => job.id), ["f"]);
  const none = await bench.workers.claim(worker, { jobs: 0, prefetch: 5 });
  assertEquals([none.kind, none.executions], ["empty", []]);
});

Deno.test("a job that is given back is as if it had not been claimed", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  const enqueuedAt = await bench.field("a", "enqueued_at");
  const before = await bench.dumpOfJobs();
  const execution = await bench.claim(worker);
  assertEquals(await release(bench, worker, execution), "released");
  assertEquals(await bench.dumpOfJobs(), before);
  assertEquals(await bench.queued(), ["a", "b"]);
  assertEquals(await bench.field("a", "enqueued_at"), enqueuedAt);
  const { job } = await bench.claim(worker);
  assertEquals([job.id, job.integer("x_attempts")], ["a", undefined]);
});

Deno.test("a start that did not happen is not counted", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const attempts = [];
  for (const outcome of ["requeued", "released", "requeued", "released"]) {
    const execution = await bench.claim(worker);
    attempts.push(execution.job.integer("x_attempts") ?? 1);
    await bench.end(worker, execution, {
      ...{ payload: "", ttl: -1, workedMs: 0 },
      outcome: outcome as "requeued" | "released",
    });
  }
  assertEquals(attempts, [1, 2, 2, 3]);
});

Deno.test("a job that may wait only so long goes on waiting when it is given back", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { ttl: 300 });
  const execution = await bench.claim(worker);
  assertEquals(await bench.ttl("rq:job:a"), -1);
  await release(bench, worker, execution, 200);
  const ttl = await bench.ttl("rq:job:a");
  assert(ttl > 190 && ttl <= 200, `${ttl}`);
});

Deno.test("what somebody else has taken meanwhile is not given back", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["canceled", "deleted", "taken"]) await bench.add(id);
  const { executions } = await bench.workers.claim(worker, { jobs: 3 });
  await bench.jobs.cancel("canceled");
  await bench.jobs.delete("deleted");
  await bench.expire(executions[2]!);
  await bench.sweep();
  const before = await bench.dumpOfJobs();
  const answers = await Promise.all(
    executions.map((execution) => release(bench, worker, execution)),
  );
  assertEquals(answers, ["lost", "lost", "lost"]);
  assertEquals(await bench.dumpOfJobs(), before);
});

Deno.test("a job whose queue takes no ids keeps its lease", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("SET", "rq:queue:q", "spoiled");
  assertEquals(await release(bench, worker, execution), "stuck");
  assertEquals((await bench.members("rq:wip:q")).length, 1);
});
