/** Tenants that share a queue: the order in which their jobs start. */

import { assert, assertEquals } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** Jobs of one tenant that note `a1`, `a2`, … in the ledger. */
function jobsOf(ledger: Ledger, fairKey: string, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    func: "jobs.note",
    args: [ledger.path, `${fairKey}${i + 1}`],
    fairKey,
  }));
}

/** What is left of turns. */
async function turnKeys(bench: Bench): Promise<string[]> {
  const keys = texts(await bench.client.send("KEYS", ["*"]));
  return keys.filter((key) => /x_fair|rl-keys/.test(key));
}

Deno.test("jobs of three tenants start in turns, and a worker in burst mode leaves when all have run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  for (const [key, count] of [["a", 8], ["b", 3], ["c", 1]] as const) {
    await queue.enqueueMany(jobsOf(ledger, key, count));
  }
  assertEquals(await queue.count(), 12);
  await burst(["q", "--url", redis.url, "--isolation", "shared"]);
  assertEquals(
    ledger.lines().join(" "),
    "a1 b1 c1 a2 b2 a3 b3 a4 a5 a6 a7 a8",
  );
  assertEquals(await turnKeys(bench), []);
});

Deno.test("a worker in burst mode goes on with a key whose turn a Python worker has taken along", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await bench.queue("q").enqueueMany(jobsOf(ledger, "a", 4));
  const id = String(await bench.client.send("LPOP", ["rq:queue:q"]));
  await bench.client.send("HSET", [`rq:job:${id}`, "status", "started"]);
  await burst(["q", "--url", redis.url]);
  assertEquals(ledger.lines().join(" "), "a2 a3 a4");
});

Deno.test("a tenant's flood that a worker has prefetched keeps another's job for no more jobs than that", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  await using worker = await WorkerProcess.listening([
    "q",
    "--url",
    redis.url,
    "--isolation",
    "shared",
    "--concurrency",
    "50",
  ]);
  const count = 6_000;
  await queue.enqueueMany(jobsOf(ledger, "a", count));
  await waitFor(() => ledger.lines().length > 500);
  await queue.enqueueMany(jobsOf(ledger, "b", 1));
  const begun = ledger.lines().length;
  await waitFor(() => ledger.lines().includes("b1"));
  const ahead = ledger.lines().indexOf("b1") - begun;
  // what runs, what is claimed for afterwards, and what is claimed while the job arrives
  assert(ahead <= 200, `${ahead} jobs started before it`);
  await waitFor(() => ledger.lines().length === count + 1, {
    timeout: 120_000,
  });
  assertEquals(ledger.counts().size, count + 1);
  worker.kill("SIGTERM");
  await worker.ended();
  assertEquals(await turnKeys(bench), []);
});

Deno.test("a running job adds jobs with fair keys", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  await queue.enqueue("jobs.addsForTenants", ledger.path);
  await burst(["q", "--url", redis.url]);
  assertEquals(ledger.lines().join(" "), "a1 b1 a2 b2");
});
