import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { sized } from "../support/long.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { assertDrained, finished, Fleet, kill, until } from "./support.ts";

const QUEUES = ["high", "default", "low"];

/** Isolations, and how many jobs run at once in each. */
const WAYS = [
  ["process", 1],
  ["process", 4],
  ["reuse", 4],
  ["shared", 100],
] as const;

function flagsOf([isolation, atOnce]: readonly [string, number]): string[] {
  return ["--isolation", isolation, "--concurrency", String(atOnce)];
}

/** Calls that write their own ids into the ledger. */
function calls(ledger: Ledger, from: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    func: "jobs.note",
    args: [ledger.path, `job-${from + i}`],
    jobId: `job-${from + i}`,
  }));
}

/** Ids that are not in the ledger. */
function missing(ledger: Ledger, count: number): string[] {
  const seen = ledger.counts();
  return Array.from({ length: count }, (_, i) => `job-${i}`)
    .filter((id) => !seen.has(id));
}

/** Ids that are in the ledger more than once. */
function repeated(ledger: Ledger): string[] {
  return [...ledger.counts()].filter(([, n]) => n > 1).map(([id]) => id);
}

const MANY = sized(300, 1_000);

Deno.test(`two workers run each of ${MANY} jobs once`, async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueueMany(calls(ledger, 0, MANY / 2));
  await Promise.all([fleet.listening("low"), fleet.listening("low")]);
  for (let from = MANY / 2; from < MANY; from += 10) {
    await bench.queue("low").enqueueMany(calls(ledger, from, 10));
  }
  await finished(bench, ["low"], MANY);
  assertEquals(missing(ledger, MANY), []);
  assertEquals(repeated(ledger), []);
  await assertDrained(bench, ["low"]);
});

const KILLS = sized(12, 50);

Deno.test(`of ${KILLS * 40} jobs none is lost by a worker that is killed ${KILLS} times`, async () => {
  const kills = KILLS;
  const total = kills * 40;
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const share = total / kills;
  for (let n = 0; n < kills; n++) {
    const worker = fleet.start(...QUEUES, ...flagsOf(WAYS[n % WAYS.length]!));
    const queue = bench.queue(QUEUES[n % QUEUES.length]!);
    await queue.enqueueMany(calls(ledger, n * share, share));
    await until(performance.now() + 150 + Math.random() * 500);
    await kill(worker);
  }
  const drain = await Promise.all([
    fleet.listening(...QUEUES, ...flagsOf(["process", 3])),
    fleet.listening(...QUEUES, ...flagsOf(["shared", 100])),
    fleet.listening(...QUEUES.toReversed(), ...flagsOf(["reuse", 2])),
  ]);
  await finished(bench, QUEUES, total);
  assertEquals(missing(ledger, total), []);
  const runs = ledger.lines().length;
  // Each kill interrupts what runs, and what has run and is not recorded yet.
  const atOnce = WAYS.reduce((sum, [, n]) => sum + n, 0);
  const most = total + kills * atOnce / WAYS.length;
  assert(runs <= most, `${runs} runs of ${total} jobs`);
  await assertDrained(bench, QUEUES);
  for (const worker of drain) {
    worker.kill("SIGTERM");
    assertEquals((await worker.ended()).code, 0);
  }
  await waitFor(() => fleet.processes().length === 0, {
    message: () => `processes outlived their workers: ${fleet.processes()}`,
  });
});

Deno.test("no job is lost or run twice while every connection is cut each 200 ms", async () => {
  await using redis = await RedisServer.start();
  await using producer = new Bench(redis.url);
  await using killer = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  await Promise.all(
    WAYS.map((way) => fleet.listening(...QUEUES, ...flagsOf(way))),
  );
  const end = performance.now() + sized(4_000, 10_000);
  const cutting = (async () => {
    while (performance.now() < end) {
      await until(performance.now() + 200);
      for (const type of ["normal", "pubsub"]) {
        await killer.client.send("CLIENT", ["KILL", "TYPE", type]);
      }
    }
  })();
  let count = 0;
  while (performance.now() < end) {
    const queue = producer.queue(QUEUES[count % QUEUES.length]!);
    await queue.enqueueMany(calls(ledger, count, 5));
    count += 5;
    await until(performance.now() + 100);
  }
  await cutting;
  await finished(producer, QUEUES, count);
  assertEquals(missing(ledger, count), []);
  assertEquals(repeated(ledger), []);
  await assertDrained(producer, QUEUES);
});

Deno.test("no job is lost or run twice while Redis forgets its scripts again and again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  await Promise.all(
    WAYS.map((way) => fleet.listening("low", ...flagsOf(way))),
  );
  const total = sized(400, 800);
  for (let from = 0; from < total; from += 20) {
    await bench.client.send("SCRIPT", ["FLUSH"]);
    await bench.queue("low").enqueueMany(calls(ledger, from, 20));
    await until(performance.now() + 30);
  }
  await finished(bench, ["low"], total);
  assertEquals(missing(ledger, total), []);
  assertEquals(repeated(ledger), []);
  await assertDrained(bench, ["low"]);
});
