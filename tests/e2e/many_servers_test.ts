/** Workers and producers where one server is not all: a Redis Cluster, and a master that Sentinels watch. */

import { assert, assertEquals } from "@std/assert";
import { Group, type Job, Queue, Schedules } from "../../mod.ts";
import { Fleet } from "../faults/support.ts";
import { RedisCluster, RedisSentinels } from "../support/redis_nodes.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Ledger } from "./support.ts";

const PREFIX = "{rq}:";
const ON_CLUSTER = ["--prefix", PREFIX];

/** Enqueues a job with each option; gives those that run to their end. */
async function enqueueAll(queue: Queue, file: string): Promise<Job[]> {
  const note = (line: string) => ({ func: "jobs.note", args: [file, line] });
  const parent = await queue.enqueueCall(note("parent"));
  const rateLimit = { key: "k", concurrency: 1, limit: 100, per: "1s" };
  const jobs: Job[] = [parent];
  const calls = [
    note("plain"),
    { ...note("child"), dependsOn: parent },
    { ...note("later"), in: 0.2 },
    { func: "jobs.failsUntil", args: [2], retry: { max: 1 } },
    { ...note("limited 1"), rateLimit },
    { ...note("limited 2"), rateLimit },
    { ...note("fair 1"), fairKey: "a" },
    { ...note("fair 2"), fairKey: "a" },
    { ...note("unique"), unique: { key: "u" } },
    { ...note("tagged"), tags: ["t"] },
    { ...note("twice"), repeat: { times: 1, interval: 0 } },
    { ...note("expires"), ttl: 100, resultTtl: 100 },
  ];
  for (const call of calls) jobs.push(await queue.enqueueCall(call));
  jobs.push(...await queue.enqueueMany([note("many 1"), note("many 2")]));
  return jobs;
}

Deno.test("every kind of job runs on a Cluster of three masters, and is looked at and changed there", async () => {
  await using cluster = await RedisCluster.start();
  await using queue = new Queue("q", {
    connection: cluster.url,
    prefix: PREFIX,
  });
  await using fleet = new Fleet(cluster.url);
  using ledger = new Ledger();
  const jobs = await enqueueAll(queue, ledger.path);
  const { connection } = queue;
  const group = await Group.create({
    connection,
    prefix: PREFIX,
    onComplete: { func: "jobs.note", args: [ledger.path, "group"], queue: "q" },
  });
  await group.enqueueMany(queue, [{
    func: "jobs.note",
    args: [ledger.path, "member"],
  }]);
  await using schedules = new Schedules({ connection, prefix: PREFIX });
  await schedules.upsert("s", { every: "1h" }, {
    func: "jobs.note",
    args: [ledger.path, "scheduled"],
    queue: "q",
  });
  const canceled = await queue.enqueue("jobs.nothing");
  await canceled.cancel();
  const failing = await queue.enqueue("jobs.fails", "on purpose");
  const logging = await queue.enqueue("logs.logsAndPrints");
  const watching = Array.fromAsync(logging.watch());
  await fleet.listening(...ON_CLUSTER, "--capture-logs=64KB", "q");
  for (const job of jobs) await job.wait({ timeout: 60 });
  assertEquals((await group.wait({ timeout: 60 })).finished, 1);
  const expected = [
    ...["child", "expires", "fair 1", "fair 2", "group", "later"],
    ...["limited 1", "limited 2", "many 1", "many 2", "member", "parent"],
    ...["plain", "scheduled", "tagged", "twice", "twice", "unique"],
  ];
  await waitForEqual(() => ledger.lines().toSorted(), expected);
  await waitForEqual(() => failing.getStatus(), "failed");
  await failing.requeue();
  await waitForEqual(() => failing.getStatus(), "failed");
  assertEquals(await failing.delete(), true);
  const watched = (await watching)
    .map((event) => event.type === "status" ? event.status : event.type);
  assertEquals(
    [watched[0], watched.at(-1), watched.includes("log")],
    ["queued", "finished", true],
  );
  const tagged = await Array.fromAsync(queue.jobsByTag("t"));
  assertEquals(tagged.length, 1);
  await queue.enqueueIn("1h", "jobs.nothing");
  assertEquals(await queue.count(), 0);
  const sizes = await cluster.sizes();
  assertEquals(sizes.filter((size) => size > 0).length, 1, `${sizes}`);
});

/** Enqueues, and again where it is not known whether that has worked. */
async function enqueueSurely(
  queue: Queue,
  jobId: string,
  file: string,
): Promise<void> {
  await waitFor(async () => {
    try {
      await queue.enqueueCall({
        func: "jobs.note",
        args: [file, jobId],
        jobId,
        unique: true,
      });
      return true;
    } catch (error) {
      if ((error as Error).name === "DuplicateJobError") return true;
      return false;
    }
  });
}

/** Kills the server that has the data while jobs are enqueued and run; each runs all the same. */
async function failOver(
  url: string,
  kill: () => Promise<void>,
  prefix: string,
): Promise<void> {
  await using queue = new Queue("q", {
    connection: url,
    prefix,
    connectTimeout: 60,
  });
  await using fleet = new Fleet(url);
  using ledger = new Ledger();
  await fleet.listening("--prefix", prefix, "--concurrency", "4", "q");
  await fleet.listening("--prefix", prefix, "q");
  for (let i = 0; i < 60; i++) {
    if (i === 30) {
      await waitFor(() => ledger.counts().size >= 5);
      await kill();
    }
    await enqueueSurely(queue, `j${i}`, ledger.path);
  }
  await waitFor(() => ledger.counts().size >= 55, {
    timeout: 120_000,
    message: () => `55 jobs, ${ledger.counts().size} ran`,
  });
  // What the old server had taken a moment before its death, its replica may not know: only that may be missing.
  for (let i = 30; i < 60; i++) {
    await waitFor(() => ledger.counts().has(`j${i}`), {
      timeout: 60_000,
      message: () => `job j${i}`,
    });
  }
}

Deno.test("workers and producers of a Cluster go on when the server that has the keys dies", async () => {
  await using cluster = await RedisCluster.start();
  const [owner] = await cluster.ownerOf(PREFIX);
  await failOver(cluster.url, () => owner.kill(), PREFIX);
});

Deno.test("workers and producers go on when Sentinels make the replica the master", async () => {
  await using sentinels = await RedisSentinels.start();
  await failOver(sentinels.url, () => sentinels.master.kill(), "rq:");
});

Deno.test("a worker on a Cluster says at once that its keys have to be on one slot", async () => {
  await using fleet = new Fleet("redis-cluster://127.0.0.1:1");
  const worker = fleet.start("q");
  const { code, stderr } = await worker.ended();
  assertEquals(code, 2);
  assert(stderr.includes('such as "{rq}:"'), stderr);
  assertEquals(stderr.trimEnd().split("\n").length, 1);
});
