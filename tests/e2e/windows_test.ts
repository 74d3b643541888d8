import { assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { type Job, Queue } from "../../mod.ts";
import { Fleet, kill } from "../faults/support.ts";
import { Bench, Ledger } from "./support.ts";
import { assertWindows, startsOf } from "./windows.ts";

Deno.test("no more than so many jobs start within any second, on whichever workers and queues, and all run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const rateLimit = { key: "api", limit: 3, per: "1s" };
  const jobs: Job[] = [];
  for (let i = 0; i < 14; i++) {
    const call = { func: "jobs.note", args: [ledger.path, `${i}`], rateLimit };
    jobs.push(await bench.queue(i % 2 ? "a" : "b").enqueueCall(call));
  }
  const statuses = await Promise.all(jobs.map((job) => job.getStatus()));
  assertEquals(statuses.slice(2, 4), ["queued", "rate_limited"]);
  const flags = ["--concurrency", "4", "--isolation", "shared"];
  await fleet.listening(...flags, "a", "b");
  await fleet.listening(...flags, "b", "a");
  for (const job of jobs) await job.wait({ timeout: 60 });
  assertEquals(ledger.counts().size, 14);
  assertEquals(ledger.lines().length, 14);
  assertWindows(await startsOf(bench, jobs), 3, 1);
});

Deno.test("jobs that piled up while no worker ran do not start together, nor with those that are tried again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  await using queue = new Queue("q", {
    connection: bench.client,
    rateLimit: { limit: 2, per: 1, concurrency: 2 },
  });
  const jobs = await queue.enqueueMany([
    { func: "jobs.failsUntil", args: [3], retry: 2 },
    ...Array.from({ length: 5 }, () => ({ func: "jobs.nothing" })),
  ]);
  assertEquals(await queue.count(), 2);
  assertEquals(await bench.client.send("SMEMBERS", ["rq:rl-keys"]), ["q"]);
  await fleet.listening("--concurrency", "3", "--isolation", "reuse", "q");
  for (const job of jobs) await bench.hasStatus(job.id, "finished");
  assertWindows(await startsOf(bench, jobs), 2, 1);
  const late = await queue.enqueueCall({ func: "jobs.nothing", in: 0.2 });
  await bench.hasStatus(late.id, "finished");
});

Deno.test("what killed workers ran, and what waited, starts within its window", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const jobs = await bench.queue("q").enqueueMany(
    Array.from({ length: 8 }, (_, i) => ({
      func: "jobs.spans",
      args: [ledger.path, `${i}`],
      rateLimit: { key: "api", limit: 2, per: "1s", concurrency: 3 },
    })),
  );
  for (const lines of [1, 5]) {
    const doomed = await fleet.listening("--concurrency", "2", "q");
    await waitFor(() => ledger.lines().length >= lines);
    await kill(doomed);
  }
  await fleet.listening("--concurrency", "2", "q");
  for (const job of jobs) await job.wait({ timeout: 120 });
  assertWindows(await startsOf(bench, jobs), 2, 1);
});

Deno.test("a follow-up job may be limited by a window", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  const job = await bench.queue("q").enqueue("jobs.limitsFollowUps");
  await fleet.listening("q");
  const ids = await job.wait({ timeout: 60 }) as string[];
  await bench.hasStatus(ids[0]!, "finished");
  assertEquals(
    await bench.field(`rq:job:${ids[1]}`, "status"),
    "rate_limited",
  );
});
