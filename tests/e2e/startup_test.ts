import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, logLines, WorkerProcess } from "./support.ts";

Deno.test("the worker's hash holds what RQ's monitors read", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "high",
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
  ]);
  const flat = await bench.client.send("HGETALL", ["rq:worker:w1"]) as string[];
  const hash = Object.fromEntries(
    flat.flatMap((name, i) => i % 2 ? [] : [[name, flat[i + 1]!]]),
  );
  assertEquals(hash["queues"], "high,low");
  assertEquals(hash["pid"], String(worker.pid));
  assertEquals(hash["hostname"], Deno.hostname());
  assertEquals(hash["version"], "0.1.0");
  assertStringIncludes(hash["python_version"] ?? "", "deno ");
  for (const name of ["birth", "last_heartbeat"]) {
    const date = hash[name] ?? "";
    assert(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$/.test(date),
      `${name} is ${date}`,
    );
    assert(Math.abs(Date.parse(date) - Date.now()) < 60_000, date);
  }
});

Deno.test("a worker shows its job and its heartbeat while it works", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.waits",
    args: ["/dev/null", "/no/such/gate"],
    timeout: 60,
  });
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
    "--job-monitoring-interval",
    "1",
  ]);
  const key = "rq:worker:w1";
  await bench.hasStatus(job.id, "started");
  await bench.workerIs("w1", "busy");
  await waitForEqual(() => bench.field(key, "current_job"), job.id);
  assertEquals(await bench.field(`rq:job:${job.id}`, "worker_name"), "w1");
  const before = await bench.field(key, "last_heartbeat");
  await waitFor(async () =>
    await bench.field(key, "last_heartbeat") !== before
  );
  const ttl = Number(await bench.client.send("TTL", [`rq:job:${job.id}`]));
  assertEquals(ttl, -1, "a running job would expire");
  const score = Number(
    await bench.client.send("ZSCORE", [
      "rq:wip:low",
      (await bench.client.send("ZRANGE", ["rq:wip:low", 0, 0]) as string[])[0]!,
    ]),
  );
  const [now] = await bench.client.send("TIME") as string[];
  // The score is a minute after the end of the lease; see `store/lease.ts`.
  const lease = score - Number(now) - 60;
  assert(lease > 5 && lease <= 15, `the lease lasts ${lease} s more`);
});

Deno.test("a worker drops dead workers from the sets of all queues", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  await client.send("SADD", ["rq:queues", "rq:queue:old"]);
  for (const key of ["rq:workers", "rq:workers:old", "rq:workers:low"]) {
    await client.send("SADD", [key, "rq:worker:dead"]);
  }
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
    "--maintenance-interval",
    "1",
  ]);
  const members = (key: string) => client.send("SMEMBERS", [key]);
  await waitForEqual<unknown>(() => members("rq:workers"), ["rq:worker:w1"]);
  await waitForEqual<unknown>(() => members("rq:workers:old"), []);
  await waitForEqual<unknown>(() => members("rq:workers:low"), [
    "rq:worker:w1",
  ]);
});

Deno.test("a worker warns of a Redis that may evict jobs", async () => {
  await using redis = await RedisServer.start({
    args: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"],
  });
  const { code, stdout } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  const warnings = logLines(stdout).filter((line) => /may evict/.test(line));
  assertEquals(warnings.length, 1, stdout);
  assertStringIncludes(warnings[0] ?? "", "set it to noeviction");
});

Deno.test("a database number in the URL keeps queues apart", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(`${redis.url}/3`);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.getStatus(), "queued");
  await burst(["low", "--url", `${redis.url}/3`]);
  assertEquals(await job.getStatus(), "finished");
});

Deno.test("results and failures whose time is up leave their registries", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  await client.send("SADD", ["rq:queues", "rq:queue:low"]);
  for (const name of ["finished", "failed"]) {
    await client.send("ZADD", [`rq:${name}:low`, 1, "old", 9e12, "new"]);
    await client.send("ZADD", [`rq:${name}:low`, "+inf", "ever"]);
  }
  await client.send("ZADD", ["rq:failed:low", -1, "kept"]);
  await burst(["low", "--url", redis.url]);
  assertEquals(await client.send("ZRANGE", ["rq:finished:low", 0, -1]), [
    "new",
    "ever",
  ]);
  assertEquals(await client.send("ZRANGE", ["rq:failed:low", 0, -1]), [
    "kept",
    "new",
    "ever",
  ]);
});

Deno.test("nothing is left in Redis of a hundred jobs that keep no results, nor of their workers", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueueMany(
    Array.from({ length: 100 }, () => ({ func: "jobs.nothing", resultTtl: 0 })),
  );
  await burst(["low", "--concurrency", "4", "--url", redis.url]);
  const keys = await bench.client.send("KEYS", ["*"]) as string[];
  // A worker that took longer than a pass' interval has had a turn, and has announced that.
  const expire = keys.filter((key) =>
    /^rq:(worker:|x_turn:|x_schedulers$)/.test(key)
  );
  const kept = keys.filter((key) => !expire.includes(key));
  assertEquals(kept.filter((key) => key !== "rq:queues"), []);
  for (const key of expire) {
    const ttl = Number(await bench.client.send("TTL", [key]));
    // -1 would be for ever, -2 is gone by now; less than half a second is 0. The longest turn is ten minutes.
    const most = key.startsWith("rq:x_turn:") ? 600 : 60;
    assert(ttl !== -1 && ttl <= most, `${key} lives for ${ttl} s`);
  }
});
