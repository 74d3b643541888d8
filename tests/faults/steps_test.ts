/** A worker dies in the middle of a job that has steps. */

import { assert, assertEquals } from "@std/assert";
import { Bench, Ledger, WorkerProcess } from "../e2e/support.ts";
import { sized } from "../support/long.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { type Check, type Enqueue, JOB, killAtStep } from "./kill_at_step.ts";
import { ReplyLoser } from "./reply_loser.ts";
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

Deno.test("replies that are lost repeat no step, and no sleep", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const calls = /\ufffdasleep\ufffd|x_s(?:tep|leep):/;
  await using proxy = new ReplyLoser(redis.port, 12, calls);
  using ledger = new Ledger();
  const total = 10;
  const jobs = await bench.queue("low").enqueueMany(
    Array.from({ length: total }, () => ({
      func: "steps.sleeps",
      args: [ledger.path, 0.1],
    })),
  );
  const flags = ["--isolation", "shared", "--concurrency", "5"];
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", proxy.url, ...flags],
  ]);
  for (const job of jobs) assertEquals(await job.wait({ timeout: 60 }), 1);
  assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
  assertEquals(ledger.counts().get("before"), total);
  assertEquals(ledger.counts().get("after"), total);
  // Where an answer takes long to come, its sleep is over by then.
  const runs = ledger.counts().get("run 1")!;
  assert(runs > total && runs <= 2 * total, `${runs} runs`);
});

Deno.test("a worker that is killed anywhere in a job with steps costs at most a step", async () => {
  let nth = 1;
  const enqueue: Enqueue = (bench, ledger) =>
    bench.queue("low").enqueueCall({
      func: "steps.sleeps",
      args: [ledger.path, 0.1],
      jobId: JOB,
    });
  // Where the worker dies between a step and its keeping, the step is done twice.
  const check: Check = async (ended, bench, ledger) => {
    await Promise.resolve();
    const counts = ["before", "after"].map((line) => ledger.counts().get(line));
    const times = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    assert(counts.every((count) => count! >= 1) && times <= 3, `${counts}`);
    assert(ended === 1 || ended === 2, `attempt ${ended}`);
    assertEquals(await bench.field(`rq:job:${JOB}`, "x_step:before"), "");
  };
  while (await killAtStep(nth, enqueue, check)) nth += sized(2, 1);
  // told of it, keeps a step, looks at a sleep, sleeps; told of it, looks, keeps a step, ends: and an answer to each
  assert(nth > 12, `there were only ${nth - 1} steps`);
});
