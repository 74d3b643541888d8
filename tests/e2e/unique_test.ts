/** Unique jobs, with real workers. */

import { assertEquals, assertRejects } from "@std/assert";
import { DuplicateJobError } from "../../mod.ts";
import { Fleet, kill } from "../faults/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, Ledger } from "./support.ts";

Deno.test("of many calls at once with one key, one job runs; its end frees the key", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const call = {
    func: "jobs.noteOnce",
    args: [ledger.path, "done", gate],
    unique: { key: "k", ifTaken: "skip" },
  } as const;
  const worker = ["--concurrency", "4", "--isolation", "shared", "q"];
  await fleet.listening(...worker);
  await fleet.listening(...worker);
  const queues = Array.from({ length: 4 }, () => bench.queue("q"));
  const burst = () =>
    Promise.all(
      queues.flatMap((queue) =>
        Array.from({ length: 10 }, () => queue.enqueueCall(call))
      ),
    );
  const jobs = await burst();
  await waitFor(() => ledger.lines().length === 1);
  jobs.push(...await burst());
  assertEquals(new Set(jobs.map(({ id }) => id)).size, 1);
  assertEquals(jobs.filter(({ isNew }) => isNew).length, 1);
  await Deno.writeTextFile(gate, "");
  for (const job of jobs) await job.wait({ timeout: 60 });
  assertEquals(ledger.lines(), ["began done", "done"]);
  const next = await queues[0]!.enqueueCall(call);
  assertEquals(next.isNew, true);
  await next.wait({ timeout: 60 });
  await Deno.remove(gate);
});

Deno.test("a debounced job runs once after a burst of calls, with the last arguments, for all who wait for it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  await fleet.listening("q");
  const call = (line: string) =>
    queue.enqueueCall({
      func: "jobs.note",
      args: [ledger.path, line],
      unique: { key: "k", ifTaken: "debounce", delay: 1, maxWait: 60 },
    });
  const jobs = [];
  for (let i = 0; i < 20; i++) jobs.push(await call(`call ${i}`));
  const results = await Promise.all(
    jobs.map((job) => job.wait({ timeout: 60 })),
  );
  assertEquals(new Set(results), new Set(["call 19"]));
  assertEquals(ledger.lines(), ["call 19"]);
  const next = await call("next");
  assertEquals([next.isNew, await next.wait({ timeout: 60 })], [true, "next"]);
});

Deno.test("a job that is debounced without an end is due at its latest time", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  await fleet.listening("q");
  const call = () =>
    queue.enqueueCall({
      func: "jobs.note",
      args: [ledger.path, "ran"],
      unique: { key: "k", ifTaken: "debounce", delay: 600, maxWait: 600.5 },
    });
  const { id } = await call();
  // six hundred seconds pass
  const key = "rq:x_unique:1:q:k";
  const value = String(await bench.client.send("GET", [key]));
  const latest = Number(value.split(" ").at(-1)) - 600;
  await bench.client.send("SET", [
    key,
    value.replace(/\S+$/, latest.toFixed(3)),
  ]);
  await waitFor(async () => {
    const job = await call();
    return job.id !== id; // it has started, and this is the next one
  }, { interval: 50 });
  await bench.hasStatus(id, "finished");
  assertEquals(ledger.lines(), ["ran"]);
});

Deno.test("a unique job whose worker is killed keeps its key until it has run elsewhere", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const queue = bench.queue("q");
  const call = {
    func: "jobs.noteOnce",
    args: [ledger.path, "done", gate],
    unique: { key: "k" },
  } as const;
  const job = await queue.enqueueCall(call);
  const doomed = await fleet.listening("q");
  await waitFor(() => ledger.lines().length === 1);
  await kill(doomed);
  await assertRejects(() => queue.enqueueCall(call), DuplicateJobError);
  await fleet.listening("q");
  await bench.client.send("ZADD", [
    "rq:wip:q",
    "XX",
    1,
    ...await bench.client.send("ZRANGE", ["rq:wip:q", 0, -1]) as string[],
  ]);
  await waitFor(() => ledger.lines().length === 2);
  await assertRejects(() => queue.enqueueCall(call), DuplicateJobError);
  await Deno.writeTextFile(gate, "");
  await job.wait({ timeout: 60 });
  assertEquals((await queue.enqueueCall(call)).isNew, true);
  await Deno.remove(gate);
});

Deno.test("however a job ends, the next one with its key runs: it throws, dies, is stopped by its time, canceled or deleted", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  await fleet.listening("q");
  const unique = { key: "k" };
  const pids = `${ledger.path}.pids`;
  const gate = `${ledger.path}.gate`;
  const waiting = { func: "jobs.waits", args: [pids, gate] };
  const ways: (() => Promise<unknown>)[] = [
    () => queue.enqueueCall({ func: "jobs.fails", args: ["no"], unique }),
    () => queue.enqueueCall({ func: "jobs.exits", args: [3], unique }),
    () => queue.enqueueCall({ ...waiting, timeout: 1, unique }),
    async () => {
      const job = await queue.enqueueCall({ ...waiting, unique });
      await bench.hasStatus(job.id, "started");
      await job.cancel();
    },
    async () => {
      const job = await queue.enqueueCall({ ...waiting, unique });
      await bench.hasStatus(job.id, "started");
      await job.delete();
    },
  ];
  for (const way of ways) {
    await way();
    await waitForEqual(() => queue.uniqueHolder("k"), null);
  }
  assertEquals(await bench.client.send("EXISTS", ["rq:x_unique:1:q:k"]), 0);
  await Deno.remove(pids);
});

Deno.test("a running job enqueues unique jobs, and is given the one that holds the key", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  await fleet.listening("q", "--concurrency", "2", "--isolation", "shared");
  const queue = bench.queue("q");
  const job = await queue.enqueue("jobs.enqueuesUnique", "k");
  const [first, second, error, late] = await job.wait({
    timeout: 60,
  }) as string[];
  assertEquals(second, first);
  assertEquals(
    error,
    `DuplicateJobError: Cannot enqueue job "mine": unique key "k" of queue "q" is held by job "${first}", which is scheduled; wait for it, or use ifTaken "skip"`,
  );
  assertEquals((await queue.fetchJob(late!))?.args, ["second"]);
});
