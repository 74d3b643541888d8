/** A worker dies in the middle of a job that has steps. */

import { assertEquals } from "@std/assert";
import { Bench, Ledger } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { assertDrained, Fleet, kill } from "./support.ts";

Deno.test("what a step has returned outlives the worker, and the step in progress is done again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  const job = await queue.enqueue("steps.hangsOnce", ledger.path);
  const first = await fleet.listening("low");
  await waitFor(() => ledger.lines().includes("hangs"));
  await kill(first);
  await fleet.listening("low");
  assertEquals(await job.wait({ timeout: 60 }), "ended");
  assertEquals(ledger.lines(), ["done", "hangs", "hangs"]);
  await assertDrained(bench, ["low"]);
});

Deno.test("a job sleeps on while no worker lives, and the next one goes on with it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueue("steps.sleeps", ledger.path, 1);
  const first = await fleet.listening("low");
  await bench.hasStatus(job.id, "scheduled");
  await kill(first);
  await fleet.listening("low");
  assertEquals(await job.wait({ timeout: 60 }), 1);
  assertEquals(ledger.counts().get("before"), 1);
  await assertDrained(bench, ["low"]);
});
