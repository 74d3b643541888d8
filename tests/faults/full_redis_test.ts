/** What does not fit into a Redis with a limit of memory, while everything else does. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Job } from "../../lib/queue/job.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { fromFileUrl } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";

const JOBS = fromFileUrl(new URL("./jobs", import.meta.url));
const TOO_LARGE = 20 << 20;

async function start() {
  const redis = await RedisServer.start({ args: ["--maxmemory", "10mb"] });
  const worker = await WorkerProcess.listening(
    [
      ...["low", "--url", redis.url, "--isolation", "shared"],
      ...["--concurrency", "8", "--name", "w1"],
      ...["--job-monitoring-interval", "1"],
    ],
    { cwd: JOBS },
  );
  return { redis, worker, bench: new Bench(redis.url) };
}

/** Enqueues a job; what Redis holds of a large call, before and after it has refused it, leaves no room for that. */
async function enqueue(
  bench: Bench,
  func: string,
  length: number,
): Promise<Job> {
  for (;;) {
    try {
      return await bench.queue("low").enqueue(func, length);
    } catch (error) {
      if (!(error instanceof ReplyError && error.code === "OOM")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

Deno.test("a result that does not fit holds up nobody: other jobs end, leases are kept, and a signal ends the worker", async () => {
  const { redis, worker, bench } = await start();
  await using _redis = redis;
  await using _worker = worker;
  await using _bench = bench;
  const large = await enqueue(bench, "large.text", TOO_LARGE);
  await worker.waitForOutput(/does not accept the end of the job yet: OOM/);
  const small = await enqueue(bench, "large.text", 10);
  assertEquals(await small.wait({ timeout: 60 }), "x".repeat(10));
  const beat = () => bench.field(`rq:job:${large.id}`, "last_heartbeat");
  const before = await beat();
  await waitFor(async () => ![null, before].includes(await beat()));
  await bench.hasStatus(large.id, "started");
  worker.kill("SIGTERM");
  assertEquals((await worker.ended({ timeout: 60_000 })).code, 0);
  const error = await assertRejects(() => large.wait({ timeout: 10 }));
  const words =
    /Cannot store the result of the job: Redis has no room for its 27,962,\d{3} bytes: OOM/;
  assertMatch(String(error), words);
  assertMatch(worker.stderr, words);
});

Deno.test("what a job asks to have stored and does not fit is refused to the job", async () => {
  const { redis, worker, bench } = await start();
  await using _redis = redis;
  await using _worker = worker;
  await using _bench = bench;
  for (const func of ["large.meta", "large.progress", "large.followUp"]) {
    const job = await enqueue(bench, func, TOO_LARGE);
    assertMatch(String(await job.wait({ timeout: 60 })), /OOM/, func);
  }
});
