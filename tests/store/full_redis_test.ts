/** The ends of jobs in a Redis that is full, or that a result would fill. */

import { assertEquals, assertRejects } from "@std/assert";
import { encodeFailure } from "../../lib/job/result_codec.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import {
  areWorkersSuspended,
  pausedUntil,
  pauseQueue,
  suspendWorkers,
} from "../../lib/store/pauses.ts";
import { askToStop } from "../../lib/store/stop_job.ts";
import { Sweeper } from "../../lib/worker/sweeper.ts";
import { noise } from "../faults/jobs/large.ts";
import { abandoned, memoryLog } from "../worker/support.ts";
import { Bench, type Ending } from "./support.ts";

const LARGE = noise(4_000_000);

/** Leaves a Redis so many bytes. */
async function leaveRoom(bench: Bench, bytes: number): Promise<void> {
  const info = String(await bench.send("INFO", "memory"));
  const used = Number(/used_memory:(\d+)/.exec(info)![1]);
  await bench.send("CONFIG", "SET", "maxmemory", used + bytes);
}

Deno.test.each<[string, Partial<Ending>]>([
  ["result", { payload: LARGE }],
  ["result that is kept for ever", { payload: LARGE, ttl: -1 }],
  ["failure", { outcome: "failed", payload: encodeFailure(LARGE) }],
])(
  "a large %s that does not fit is refused as a whole, and recorded once there is room",
  async (_what, ending) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a");
    const execution = await bench.claim(worker);
    const before = await bench.dump();
    await leaveRoom(bench, 1_000_000);
    const error = await assertRejects(
      () => bench.end(worker, execution, ending),
      ReplyError,
    );
    assertEquals(error.code, "OOM");
    assertEquals(await bench.dump(), before);
    await bench.send("CONFIG", "SET", "maxmemory", 0);
    const { outcome = "finished" } = ending;
    assertEquals(await bench.end(worker, execution, ending), outcome);
  },
);

Deno.test.each<[string, Partial<Ending>]>([
  ["result", {}],
  ["failure", { outcome: "failed" }],
])("a small %s is recorded in a Redis that is full", async (_what, ending) => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  const { outcome = "finished" } = ending;
  assertEquals(await bench.end(worker, execution, ending), outcome);
  assertEquals(await bench.status("a"), outcome);
});

Deno.test("of a list of ends only the large one waits for room", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "large", "b"]) await bench.add(id);
  const { executions } = await bench.workers.claim(worker, { jobs: 3 });
  await leaveRoom(bench, 1_000_000);
  const ends = executions.map((execution) => ({
    execution,
    outcome: "finished" as const,
    ttl: 500,
    payload: execution.job.id === "large" ? LARGE : btoa("1"),
    workedMs: 1,
  }));
  const settled = await Promise.allSettled(
    bench.workers.end(worker, ends, "idle"),
  );
  assertEquals(settled.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  assertEquals(await bench.status("large"), "started");
});

Deno.test("a worker without jobs is shown as idle in a Redis that is full", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.claim(worker);
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  await bench.workers.showIdle(worker);
  assertEquals(await bench.send("HGET", "rq:worker:w1", "state"), "idle");
});

Deno.test("what dead workers had is put back in a Redis that is full, in its order", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 100);
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  await using sweeper = new Sweeper({
    sweeps: bench.sweeps,
    log: memoryLog(),
    queues: ["q"],
    interval: 600_000,
    onError: (error) => {
      throw error;
    },
  });
  assertEquals(await sweeper.runOnce(), 100);
  assertEquals(await bench.queued(), ids);
});

Deno.test("workers are suspended, queues paused and jobs stopped in a Redis that is full", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  await bench.claim(worker);
  await bench.expire(await bench.claim(worker));
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  await suspendWorkers(bench, 60);
  assertEquals(await areWorkersSuspended(bench), true);
  await pauseQueue(bench, "q", Infinity);
  assertEquals(await pausedUntil(bench, ["q"]), [Infinity]);
  const wish = { by: "ann", reason: "too large" };
  assertEquals((await askToStop(bench, "a", wish)).what, "asked");
  assertEquals(await bench.field("a", "x_stop_reason"), "too large");
  assertEquals((await askToStop(bench, "b", wish)).what, "stopped");
  assertEquals(await bench.status("b"), "stopped");
});
