import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Worker,
  WorkerNameTakenError,
  type WorkerOptions,
} from "../../worker.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, JOBS, Ledger } from "../e2e/support.ts";

/** A log that remembers. */
function memoryLog() {
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  return { lines, debug: log, info: log, warn: log, error: log };
}

Deno.test("an embedded worker in burst mode tells how many jobs it ran", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const jobs = await queue.enqueueMany(
    [1, 2, 3].map((n) => ({ func: "jobs.add", args: [n, n] })),
  );
  const worker = new Worker("low", {
    connection: redis.url,
    burst: true,
    paths: [JOBS],
  });
  assertEquals(await worker.work(), 3);
  assertEquals(await Promise.all(jobs.map((job) => job.result())), [2, 4, 6]);
});

Deno.test("an embedded worker uses a connection that it is given, and leaves it open", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const worker = new Worker("low", {
    connection: bench.client,
    burst: true,
    paths: [JOBS],
  });
  assertEquals(await worker.work(), 1);
  assertEquals(await job.result(), 3);
});

Deno.test("stop() lets the job end, then work() resolves", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const job = await bench.queue("low").enqueue(
    "jobs.noteOnce",
    ledger.path,
    "done",
    gate,
  );
  const log = memoryLog();
  const worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    log,
  });
  const working = worker.work();
  await waitFor(() => ledger.lines().length === 1);
  worker.stop();
  worker.stop();
  await Deno.writeTextFile(gate, "");
  assertEquals(await working, 1);
  assertEquals(await job.result(), "done");
  assertEquals(
    log.lines.filter((line) => /Warm shut down/.test(line)).length,
    1,
  );
  await Deno.remove(gate);
});

Deno.test("stopNow() puts the job back, then work() resolves", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueue(
    "jobs.noteOnce",
    ledger.path,
    "done",
    "/no/such/gate",
  );
  const worker = new Worker("low", { connection: redis.url, paths: [JOBS] });
  const working = worker.work();
  await waitFor(() => ledger.lines().length === 1);
  worker.stopNow();
  await working;
  assertEquals(await job.getStatus(), "queued");
  assertEquals(await bench.queue("low").jobIds(), [job.id]);
});

Deno.test("a worker that is stopped before it works does nothing", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const worker = new Worker("low", { connection: redis.url, paths: [JOBS] });
  worker.stop();
  assertEquals(await worker.work(), 0);
  assertEquals(await job.getStatus(), "queued");
});

Deno.test("two workers of one name in one process: the second is refused", async () => {
  await using redis = await RedisServer.start();
  const options = { connection: redis.url, paths: [JOBS], name: "w1" };
  const log = memoryLog();
  const first = new Worker("low", { ...options, log });
  const working = first.work();
  await waitFor(() => log.lines.some((line) => /Listening/.test(line)));
  await assertRejects(
    () => new Worker("low", { ...options, burst: true }).work(),
    WorkerNameTakenError,
    'Cannot start worker "w1"',
  );
  first.stop();
  await working;
});

Deno.test("an embedded worker that finds no Redis ends when it is stopped", async () => {
  const url = `redis://127.0.0.1:${freePort()}`;
  const log = memoryLog();
  const worker = new Worker("low", { connection: url, paths: [JOBS], log });
  const working = worker.work().catch((error: unknown) => error);
  await waitFor(() =>
    log.lines.some((line) => /Cannot reach Redis/.test(line))
  );
  worker.stop();
  await working;
});

Deno.test("three workers on one idle queue run each of sixty jobs once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const workers = Array.from(
    { length: 3 },
    () =>
      new Worker("low", {
        connection: redis.url,
        paths: [JOBS],
        name: crypto.randomUUID(),
      }),
  );
  const working = workers.map((worker) => worker.work());
  const low = bench.queue("low");
  for (let i = 0; i < 60; i++) {
    await low.enqueue("jobs.note", ledger.path, `job-${i}`);
  }
  await waitFor(() => ledger.lines().length >= 60);
  for (const worker of workers) worker.stop();
  const counts = await Promise.all(working);
  assertEquals(counts.reduce((sum, n) => sum + n, 0), 60);
  assertEquals(ledger.counts().size, 60);
});

const WRONG: readonly { options: WorkerOptions; says: string }[] = [
  { options: { name: "" }, says: "worker name" },
  { options: { name: "a\nb" }, says: "worker name" },
  { options: { maxJobs: 0 }, says: "maxJobs" },
  { options: { maxJobs: 1.5 }, says: "maxJobs" },
  { options: { maxJobs: NaN }, says: "maxJobs" },
  { options: { resultTtl: -2 }, says: "resultTtl" },
  { options: { resultTtl: NaN }, says: "resultTtl" },
  { options: { workerTtl: 0 }, says: "workerTtl" },
  { options: { grace: -1 }, says: "grace" },
  { options: { maxIdleTime: "soon" }, says: "maxIdleTime" },
  { options: { jobMonitoringInterval: 6 }, says: "jobMonitoringInterval" },
  { options: { maintenanceInterval: 0 }, says: "maintenanceInterval" },
  { options: { prefix: "" }, says: "prefix" },
  { options: { connection: "http://127.0.0.1" }, says: "scheme" },
];

Deno.test.each([...WRONG])(
  "new Worker() refuses $options",
  ({ options, says }) => {
    const error = assertThrows(() => new Worker("low", options), Error, says);
    assert(error instanceof RangeError || error instanceof TypeError);
  },
);

Deno.test("new Worker() refuses an empty list of queues and an empty name", () => {
  assertThrows(() => new Worker([]), RangeError, "no queue");
  assertThrows(() => new Worker(["low", ""]), RangeError, '""');
});
