/** What a program that embeds a worker can hold on to. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { isFile } from "../../lib/base/files.ts";
import { Worker, type WorkerOptions } from "../../worker.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, JOBS } from "../e2e/support.ts";

Deno.test("a worker leaves when its signal is aborted", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const leaving = new AbortController();
  const worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    name: "w1",
    signal: leaving.signal,
  });
  const working = worker.work();
  assertEquals(await worker.listening, true);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 20 }), 3);
  leaving.abort();
  assertEquals(await working, 1);
  const left = await bench.field("rq:worker:w1", "death");
  assertEquals(left === null, false);
});

Deno.test("a worker whose signal was aborted before does not begin", async () => {
  const worker = new Worker("low", {
    connection: "redis://127.0.0.1:1",
    signal: AbortSignal.abort(),
  });
  assertEquals(await worker.work(), 0);
  assertEquals(await worker.listening, false);
});

Deno.test("a grace that is longer than a timer can be does not end at once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const directory = await Deno.makeTempDir();
  await using worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    grace: "30d",
  });
  const working = worker.work();
  const started = `${directory}/started`;
  const job = await bench.queue("low").enqueue("jobs.blocks", started, 1);
  await waitFor(() => isFile(started));
  worker.stop();
  await working;
  assertEquals(await job.getStatus(), "finished");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("`await using` stops a worker and waits until it has left", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  {
    await using worker = new Worker("low", {
      connection: redis.url,
      paths: [JOBS],
      name: "w1",
    });
    worker.work();
    await waitFor(() =>
      bench.client.send("SISMEMBER", ["rq:workers", "rq:worker:w1"])
    );
  }
  assertEquals(await bench.client.send("SCARD", ["rq:workers"]), 0);
});

Deno.test("`await using` ends a worker that never worked, or failed", async () => {
  await using redis = await RedisServer.start();
  const connection = redis.url;
  {
    await using _idle = new Worker("low", { connection });
  }
  {
    await using failing = new Worker("low", {
      connection,
      execPath: "/no/deno",
    });
    await assertRejects(() => failing.work());
  }
});

Deno.test("work() may be called once", async () => {
  await using redis = await RedisServer.start();
  await using worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    burst: true,
  });
  await worker.work();
  await assertRejects(() => worker.work(), TypeError, "called before");
});

const WRONG: [name: string, options: WorkerOptions, says: string][] = [
  ["a path that is not there", { paths: ["/no/such"] }, "does not exist"],
  ["a flag that Deno has not", { permissions: ["--allow-nte"] }, "--allow-nte"],
  ["a permission as a flag", { denoArgs: ["--allow-net"] }, "--job-allow-net"],
  ["what is no flag", { denoArgs: ["map.json"] }, "map.json"],
];

Deno.test.each(WRONG)("new Worker() refuses %s", (_name, options, says) => {
  assertThrows(() => new Worker("low", options), Error, says);
});

Deno.test("permissions and denoArgs of an embedded worker reach its jobs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const listens = await low.enqueue("jobs.listens");
  const flags = await low.enqueue("jobs.denoFlags");
  await using worker = new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    burst: true,
    permissions: ["--allow-read", "--allow-env"],
    denoArgs: ["--v8-flags=--expose-gc"],
  });
  await worker.work();
  assertEquals(await listens.getStatus(), "failed");
  assertEquals(await flags.result(), { kv: false, gc: true });
});
