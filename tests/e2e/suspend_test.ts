import { assertEquals, assertStringIncludes } from "@std/assert";
import { isSuspended, resume, suspend } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

Deno.test("a worker that is blocked waiting heeds rq suspend, and takes up work at rq resume", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
  ]);
  await client.send("SET", ["rq:suspended", "1"]);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await worker.waitForOutput(/Worker suspended, run `rq resume` to resume/);
  assertEquals(await job.getStatus(), "queued");
  assertEquals(await bench.queue("low").jobIds(), [job.id]);
  await bench.workerIs("w1", "suspended");
  await client.send("DEL", ["rq:suspended"]);
  assertEquals(await job.wait({ timeout: 60 }), 3);
  await worker.waitForOutput(/Worker resumed/);
  await bench.workerIs("w1", "idle");
});

Deno.test("a suspension with an end ends by itself", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await bench.client.send("SET", ["rq:suspended", "1", "EX", 3]);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await worker.waitForOutput(/Worker suspended/);
  assertEquals(await job.wait({ timeout: 10 }), 3);
});

Deno.test("a running job is left alone by rq suspend", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const low = bench.queue("low");
  const job = await low.enqueue("jobs.noteOnce", ledger.path, "done", gate);
  const next = await low.enqueue("jobs.add", 1, 2);
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await worker.waitForOutput(/low: jobs\.noteOnce/);
  await bench.client.send("SET", ["rq:suspended", "1"]);
  await Deno.writeTextFile(gate, "");
  assertEquals(await job.wait({ timeout: 5 }), "done");
  await worker.waitForOutput(/Worker suspended/);
  assertEquals(await next.getStatus(), "queued");
  await Deno.remove(gate);
});

Deno.test("a suspended worker leaves on a signal, in burst mode at once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.client.send("SET", ["rq:suspended", "1"]);
  await bench.queue("low").enqueue("jobs.add", 1, 2);
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await worker.waitForOutput(/Worker suspended/);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).code, 0);
  const { code, stdout } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "suspended in burst mode, quitting");
  assertEquals(await bench.queue("low").count(), 1);
});

Deno.test("suspend() and resume() hold for every worker, and are seen by isSuspended()", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const connection = redis.url;
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  assertEquals(await isSuspended({ connection }), false);
  await suspend({ connection });
  assertEquals(await isSuspended({ connection }), true);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await worker.waitForOutput(/Worker suspended/);
  assertEquals(await job.getStatus(), "queued");
  assertEquals(await resume({ connection }), true);
  assertEquals(await job.wait({ timeout: 60 }), 3);
  assertEquals(await resume({ connection }), false);
});

Deno.test("a worker leaves a paused queue alone, for as long as it is paused, and serves its others", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "--queues",
    "high,low",
    "--url",
    redis.url,
  ]);
  const [high, low] = [bench.queue("high"), bench.queue("low")];
  await high.pause();
  const held = await high.enqueue("jobs.add", 1, 2);
  await worker.waitForOutput(/high: Queue paused/);
  const free = await low.enqueue("jobs.add", 3, 4);
  assertEquals(await free.wait({ timeout: 60 }), 7);
  assertEquals(await held.getStatus(), "queued");
  assertEquals([await high.isPaused(), await low.isPaused()], [true, false]);
  await high.pause({ for: 1.5 });
  assertEquals(await held.wait({ timeout: 60 }), 3);
  await worker.waitForOutput(/high: Queue resumed/);
  assertEquals([await high.isPaused(), await high.resume()], [false, false]);
});
