import { assert, assertEquals, assertMatch } from "@std/assert";
import { Worker } from "../../worker.ts";
import { Bench, JOBS, Ledger } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { SILENT } from "../../lib/worker/log.ts";
import { waitFor } from "../support/wait_for.ts";

for (const way of ["cancel", "delete"] as const) {
  Deno.test(`a worker whose running job is gone by ${way}() is idle, without another job`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const job = await bench.queue("low").enqueue(
      "jobs.noteOnce",
      ledger.path,
      "done",
      "/no/such/gate",
    );
    const worker = new Worker("low", {
      connection: redis.url,
      paths: [JOBS],
      name: "w1",
    });
    const working = worker.work();
    await waitFor(() => ledger.lines().length === 1);
    assertEquals(await bench.field("rq:worker:w1", "current_job"), job.id);
    await job[way]();
    await waitFor(async () =>
      await bench.field("rq:worker:w1", "state") === "idle"
    );
    assertEquals(await bench.field("rq:worker:w1", "current_job"), null);
    worker.stop();
    await working;
  });
}

Deno.test("a log that throws keeps a worker from nothing", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const jobs = await bench.queue("low").enqueueMany(
    [1, 2, 3].map((n) => ({ func: "jobs.add", args: [n, n] })),
  );
  const fails = () => {
    throw new Error("No space left on device");
  };
  const worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    burst: true,
    isolation: "reuse",
    log: { debug: fails, info: fails, warn: fails, error: fails },
  });
  assertEquals(await worker.work(), 3);
  assertEquals(await Promise.all(jobs.map((job) => job.result())), [2, 4, 6]);
});

Deno.test("what goes wrong in the background is logged in a line, and with its stack for who looks for the fault", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const errors: string[] = [];
  const details: string[] = [];
  await using worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    maintenanceInterval: 1,
    log: {
      ...SILENT,
      error: (text) => errors.push(text),
      debug: (text) => details.push(text),
    },
  });
  await bench.client.send("SET", ["rq:queues", "no set"]);
  const working = worker.work();
  await waitFor(() => details.length > 0);
  assertEquals(
    errors[0],
    "ReplyError: WRONGTYPE Operation against a key holding the wrong kind of value",
  );
  assertMatch(
    details[0]!,
    /^Details of the error\n {2}ReplyError: WRONGTYPE [^\n]+\n +at /,
  );
  worker.stop();
  await working;
});

Deno.test("an idle worker costs Redis few commands a second, those in scripts included", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    isolation: "reuse",
  });
  const working = worker.work();
  await job.wait();
  await client.send("CONFIG", ["RESETSTAT"]);
  const from = performance.now();
  const seconds = () => (performance.now() - from) / 1_000;
  await waitFor(() => seconds() > 8);
  const stats = String(await client.send("INFO", ["commandstats"]));
  const most = 6.5 * seconds() + 8;
  const calls = [...stats.matchAll(/calls=(\d+)/g)].map(([, n]) => Number(n));
  const sum = calls.reduce((a, b) => a + b);
  assert(sum < most, `${sum} commands in ${seconds()} s:\n${stats}`);
  worker.stop();
  await working;
});
