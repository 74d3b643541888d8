import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import type { Job } from "../../mod.ts";
import { Fleet, kill } from "../faults/support.ts";
import { Bench, Ledger } from "./support.ts";

const LIMIT = { key: "mailserver", concurrency: 2 };

/** Enqueues jobs that note in a ledger when they begin and end. */
function enqueue(
  bench: Bench,
  ledger: Ledger,
  count: number,
): Promise<readonly Job[]> {
  return bench.queue("q").enqueueMany(
    Array.from({ length: count }, (_, i) => ({
      func: "jobs.spans",
      args: [ledger.path, `${i}`],
      rateLimit: LIMIT,
    })),
  );
}

/** The most jobs that ran at a time. One that has begun twice was killed in between. */
function mostAtOnce(ledger: Ledger): number {
  const running = new Set<string>();
  let most = 0;
  for (const line of ledger.lines()) {
    const [what, name = ""] = line.split(" ");
    if (what === "begin") running.add(name);
    else running.delete(name);
    most = Math.max(most, running.size);
  }
  return most;
}

async function slotsLeft(bench: Bench): Promise<unknown> {
  const reply = await bench.client.send("ZCARD", [
    `rq:rl:${LIMIT.key}:allowed`,
  ], { resend: true });
  return reply;
}

Deno.test("of 50 limited jobs on two workers no more than two run at once, and all run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const jobs = await enqueue(bench, ledger, 50);
  const statuses = await Promise.all(jobs.map((job) => job.getStatus()));
  assertEquals(statuses.slice(0, 3), ["queued", "queued", "rate_limited"]);
  const worker = ["--concurrency", "4", "--isolation", "shared", "q"];
  await fleet.listening(...worker);
  await fleet.listening(...worker);
  for (const job of jobs) await job.wait({ timeout: 60 });
  assertEquals(ledger.counts().size, 100);
  assertEquals(ledger.lines().length, 100);
  assert(mostAtOnce(ledger) <= 2, `${mostAtOnce(ledger)} at once`);
  await waitForEqual(() => slotsLeft(bench), 0);
});

Deno.test("a limited job that throws, or is canceled while it runs, makes room for the next one", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  const rateLimit = { key: "one", concurrency: 1 };
  const queue = bench.queue("q");
  const fails = await queue.enqueueCall({
    func: "jobs.fails",
    args: ["no"],
    rateLimit,
  });
  const gate = await Deno.makeTempFile();
  await Deno.remove(gate);
  const pids = await Deno.makeTempFile();
  const waits = await queue.enqueueCall({
    func: "jobs.waits",
    args: [pids, gate],
    rateLimit,
  });
  const last = await queue.enqueueCall({
    func: "jobs.add",
    args: [1, 2],
    rateLimit,
  });
  await fleet.listening("q");
  await bench.hasStatus(fails.id, "failed");
  await bench.hasStatus(waits.id, "started");
  assertEquals(await last.getStatus(), "rate_limited");
  await waits.cancel();
  assertEquals(await last.wait({ timeout: 60 }), 3);
  await Deno.remove(pids);
});

Deno.test("jobs of killed workers keep their slots until they run again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const jobs = await enqueue(bench, ledger, 12);
  const worker = ["--concurrency", "2", "q"];
  for (const lines of [2, 8]) {
    const doomed = await fleet.listening(...worker);
    await waitFor(() => ledger.lines().length >= lines);
    await kill(doomed);
  }
  await fleet.listening(...worker);
  for (const job of jobs) await job.wait({ timeout: 120 });
  assert(mostAtOnce(ledger) <= 2, `${mostAtOnce(ledger)} at once`);
  await waitForEqual(() => slotsLeft(bench), 0);
});
