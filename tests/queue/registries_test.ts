/** The registries of a queue: looking, and acting on some or all of their jobs. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DuplicateJobError,
  InvalidJobOperationError,
  NoSuchJobError,
} from "../../lib/base/errors.ts";
import type { BulkProgress } from "../../lib/queue/bulk.ts";
import type {
  JobRegistry,
  RegistryJobsOptions,
} from "../../lib/queue/job_registry.ts";
import type { Queue } from "../../lib/queue/queue.ts";
import { LEASE_SECONDS } from "../../lib/store/lease.ts";
import { Desk } from "./support.ts";

async function idsOf(
  registry: JobRegistry,
  options: RegistryJobsOptions = {},
): Promise<string[]> {
  const jobs = await Array.fromAsync(registry.jobs(options));
  return jobs.map(({ id }) => id);
}

/** Enqueues jobs and has each fail, with the id as its error's message. */
async function failedJobs(desk: Desk, ...ids: string[]): Promise<void> {
  for (const jobId of ids) {
    await desk.queue.enqueueCall({ func: "a.b", jobId });
    await desk.fail(`Error: ${jobId}`);
  }
}

Deno.test("each registry has the jobs of its status, and looking changes nothing", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  await queue.enqueueCall({ func: "a.b", jobId: "finished" });
  await desk.finish();
  await failedJobs(desk, "failed");
  await queue.enqueueCall({ func: "a.b", jobId: "stopped" });
  await desk.fail("stopped", { outcome: "stopped" });
  await queue.enqueueCall({ func: "a.b", jobId: "started" });
  await bench.claim(desk.worker);
  const parent = await queue.enqueueCall({ func: "a.b", jobId: "waits" });
  const later = new Date(Date.now() + 3_600_000);
  await queue.enqueueMany([
    { func: "a.b", jobId: "deferred", dependsOn: parent },
    { func: "a.b", jobId: "scheduled", at: later },
    { func: "a.b", jobId: "canceled" },
  ]);
  await (await queue.fetchJob("canceled"))!.cancel();

  const before = await bench.dump();
  for (
    const [registry, ids] of [
      [queue.startedJobRegistry, ["started"]],
      [queue.finishedJobRegistry, ["finished"]],
      [queue.failedJobRegistry, ["failed", "stopped"]],
      [queue.deferredJobRegistry, ["deferred"]],
      [queue.scheduledJobRegistry, ["scheduled"]],
      [queue.canceledJobRegistry, ["canceled"]],
    ] as [JobRegistry, string[]][]
  ) {
    assertEquals((await registry.jobIds()).sort(), ids);
    assertEquals((await idsOf(registry)).sort(), ids);
    assertEquals(await registry.count(), ids.length);
    for (const id of ids) {
      assert(await registry.has(id), id);
      assert(await registry.timeOf(id) instanceof Date, id);
    }
    assertEquals(await registry.has("waits"), false);
    assertEquals(await registry.timeOf("waits"), null);
  }
  assertEquals(await bench.dump(), before);
  const due = await queue.scheduledJobRegistry.timeOf("scheduled");
  assertEquals(due?.getTime(), later.getTime());
  const lease = await queue.startedJobRegistry.timeOf("started");
  const started = (await queue.fetchJob("started"))!.startedAt!;
  const seconds = (lease!.getTime() - started.getTime()) / 1_000;
  assert(Math.abs(seconds - LEASE_SECONDS) <= 2, `${seconds}`);
});

Deno.test("jobIds() gives a page, from either end", async () => {
  await using desk = await Desk.open();
  const { failedJobRegistry } = desk.queue;
  await failedJobs(desk, "a", "b", "c", "d");
  const page = (options: object) => failedJobRegistry.jobIds(options);
  assertEquals(await page({ offset: 1, limit: 2 }), ["b", "c"]);
  assertEquals(await page({ offset: 1, limit: 2, newestFirst: true }), [
    "c",
    "b",
  ]);
  assertEquals(await page({ offset: 9 }), []);
  assertEquals(await page({ limit: 0 }), []);
  await assertRejects(() => page({ limit: -1 }), RangeError, "limit is -1");
  await assertRejects(() => page({ ofset: 1 }), TypeError, '"offset"');
});

Deno.test("jobs() gives those that the filter means", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  const failed = queue.failedJobRegistry;
  await queue.enqueueCall({ func: "jobs.send", jobId: "a", tags: ["mail"] });
  await desk.fail("TypeError: no address\n    at send (jobs.ts:1:1)");
  await queue.enqueueCall({ func: "jobs.call", jobId: "b", tags: ["x"] });
  const other = await bench.worker("w2");
  await bench.run(other, { outcome: "stopped" });
  await queue.enqueueCall({ func: "jobs.send", jobId: "c" });
  await desk.fail("Error: ECONNREFUSED 10.0.0.1");
  const between = new Date("2026-02-01");
  for (const [id, month] of [["a", 1], ["b", 1], ["c", 2]]) {
    const endedAt = `2026-0${month}-01T00:00:00.000000Z`;
    await bench.send("HSET", `rq:job:${id}`, "ended_at", endedAt);
  }
  await bench.send("HSET", "rq:job:broken", "data", "\x80", "status", "failed");
  await bench.send("ZADD", "rq:failed:q", -1, "broken", -1, "nobody");

  assertEquals(await idsOf(failed, { func: "jobs.send" }), ["a", "c"]);
  assertEquals(await idsOf(failed, { func: "jobs.send", newestFirst: true }), [
    "c",
    "a",
  ]);
  assertEquals(await idsOf(failed, { error: "no address" }), ["a"]);
  assertEquals(await idsOf(failed, { error: /econn|jobs\.ts/gi }), ["a", "c"]);
  assertEquals(await idsOf(failed, { tag: "mail" }), ["a"]);
  assertEquals(await idsOf(failed, { worker: "w2" }), ["b"]);
  assertEquals(await idsOf(failed, { status: "stopped" }), ["b"]);
  assertEquals(await idsOf(failed, { before: between }), ["a", "b"]);
  assertEquals(await idsOf(failed, { after: between }), ["c"]);
  assertEquals(await idsOf(failed, { after: between, func: "jobs.call" }), []);
  assertEquals((await idsOf(failed)).sort(), ["a", "b", "broken", "c"]);
});

Deno.test("a filter that cannot be is refused when it is given", async () => {
  await using desk = await Desk.open();
  const failed = desk.queue.failedJobRegistry;
  const jobs = (options: object) => failed.jobs(options);
  assertThrows(() => jobs({ fun: "a.b" }), TypeError, '"func"');
  assertThrows(() => jobs({ status: "broken" }), RangeError, '"broken"');
  assertThrows(() => jobs({ after: "yesterday" }), TypeError, '"after"');
  assertThrows(() => jobs({ before: new Date("x") }), TypeError, '"before"');
  assertThrows(() => jobs({ error: 5 }), TypeError, '"error"');
  assertThrows(() => jobs({ tag: "" }), RangeError, "tag");
  await assertRejects(
    () => failed.clear({ onProgres: () => {} } as never),
    TypeError,
    '"onProgress"',
  );
});

Deno.test("requeue() puts a job of any of these registries back on the queue, and no other", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const finished = await queue.enqueueCall({ func: "a.b", jobId: "finished" });
  await desk.finish("1");
  await failedJobs(desk, "failed");
  const later = await queue.enqueueCall({
    func: "a.b",
    jobId: "later",
    in: "1h",
    ttl: "10m",
  });
  const canceled = await queue.enqueueCall({ func: "a.b", jobId: "canceled" });
  await canceled.cancel();

  const error = await assertRejects(
    () => queue.failedJobRegistry.requeue("later"),
    InvalidJobOperationError,
    'no failed or stopped job of queue "q", its status is scheduled',
  );
  assertEquals(error.status, "scheduled");
  await assertRejects(
    () => queue.failedJobRegistry.requeue("nobody"),
    NoSuchJobError,
  );
  await queue.finishedJobRegistry.requeue(finished);
  await queue.failedJobRegistry.requeue("failed");
  await queue.canceledJobRegistry.requeue(canceled, { atFront: true });
  await queue.scheduledJobRegistry.requeue(later);
  assertEquals(await queue.jobIds(), [
    "canceled",
    "finished",
    "failed",
    "later",
  ]);
  const life = await desk.bench.ttl("rq:job:later");
  assert(life > 500 && life <= 600, `${life}`); // it may wait as long as one that was just enqueued
  for (let i = 0; i < 4; i++) await desk.finish("2");
  assertEquals(await finished.result(), 2);
});

Deno.test("what has finished begins anew when it is requeued; what has failed goes on", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  const kept = ["x_attempts", 3, "x_steps", 64, "x_step:one", "1"];
  for (const jobId of ["finished", "failed"]) {
    await queue.enqueueCall({ func: "a.b", jobId });
    await bench.send("HSET", `rq:job:${jobId}`, ...kept);
    await (jobId === "finished" ? desk.finish() : desk.fail());
  }
  await queue.finishedJobRegistry.requeue("finished");
  await queue.failedJobRegistry.requeue("failed");
  const fields = ["x_attempts", "x_steps", "x_step:one"];
  const left = async (id: string) =>
    await bench.send("HMGET", `rq:job:${id}`, ...fields);
  assertEquals(await left("finished"), [null, null, null]);
  assertEquals(await left("failed"), ["4", "64", "1"]); // it was started once more
});

Deno.test("requeue() of a job whose unique key another one has by now says so", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const unique = { key: "k" };
  const call = { func: "a.b", unique };
  await queue.enqueueCall({ ...call, jobId: "a" });
  await desk.fail();
  await queue.enqueueCall({ ...call, jobId: "b" });
  const failed = queue.failedJobRegistry;
  await assertRejects(() => failed.requeue("a"), DuplicateJobError, '"b"');
  assertEquals(await failed.requeueAll(), {
    done: 0,
    refused: 1,
    looked: 1,
    total: 1,
    complete: true,
    refusals: ['a: its unique key "k" is held by job "b" by now'],
  });
  // one that is not due yet holds its key itself
  await queue.enqueueCall({
    func: "a.b",
    jobId: "later",
    in: "1h",
    unique: { key: "l" },
  });
  await queue.scheduledJobRegistry.requeue("later");
  assertEquals(await queue.uniqueHolder("l"), "later");
});

Deno.test("requeueAll() requeues each job once, in the registry's order", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  const ids = Array.from({ length: 100 }, (_, i) => `j${i}`);
  await failedJobs(desk, ...ids);
  const failed = queue.failedJobRegistry;
  const order = await failed.jobIds();
  const steps: BulkProgress[] = [];
  const result = await failed.requeueAll({
    onProgress: (progress) => steps.push(progress),
  });
  assertEquals(result, {
    done: 100,
    refused: 0,
    looked: 100,
    total: 100,
    complete: true,
    refusals: [],
  });
  assertEquals(await queue.jobIds(), order);
  assertEquals(await failed.count(), 0);
  assertEquals(steps.map(({ done }) => done), [40, 80, 100]);
  assertEquals(await bench.field("j0", "ended_at"), null);
});

Deno.test("requeueAll() leaves a job that has failed again meanwhile", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await failedJobs(desk, ...Array.from({ length: 50 }, (_, i) => `j${i}`));
  const failed = queue.failedJobRegistry;
  let again: Promise<string> | undefined;
  const { done, looked } = await failed.requeueAll({
    error: "j", // so that jobs are read one batch after the other
    onProgress: () => {
      again ??= desk.fail("Error: j again");
    },
  });
  const id = await again;
  assertEquals([done, looked >= 50], [50, true]);
  assertEquals(await failed.jobIds(), [id]);
  assertEquals(await queue.count(), 49);
  assertEquals((await failed.requeueAll()).done, 1); // the next run takes it
});

Deno.test("requeueAll() takes those that the filter means, to the head if that is wanted", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await failedJobs(desk, "a", "b", "c");
  await queue.enqueueCall({ func: "a.b", jobId: "z" });
  const failed = queue.failedJobRegistry;
  const { done } = await failed.requeueAll({ error: /[bc]/, atFront: true });
  assertEquals(done, 2);
  assertEquals(await queue.jobIds(), ["c", "b", "z"]);
  assertEquals(await failed.jobIds(), ["a"]);
});

Deno.test("an aborted run says how far it came, and the same call goes on", async () => {
  await using desk = await Desk.open();
  await failedJobs(desk, ...Array.from({ length: 100 }, (_, i) => `j${i}`));
  const failed = desk.queue.failedJobRegistry;
  const stop = new AbortController();
  const first = await failed.requeueAll({
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  assertEquals([first.done, first.total, first.complete], [40, 100, false]);
  const none = await failed.requeueAll({ signal: stop.signal });
  assertEquals([none.done, none.complete], [0, false]);
  const rest = await failed.requeueAll();
  assertEquals([rest.done, rest.total, rest.complete], [60, 60, true]);
});

Deno.test("clear() deletes jobs and what is stored of them, and drops ids of jobs that are gone", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  await failedJobs(desk, "a", "b");
  await queue.enqueueCall({ func: "a.b", jobId: "waits" });
  await bench.send("ZADD", "rq:failed:q", -1, "nobody", -1, "waits");
  const failed = queue.failedJobRegistry;
  assertEquals((await failed.clear({ error: "Error: b" })).done, 1);
  assertEquals(await failed.jobIds(), ["nobody", "waits", "a"]);
  const { done, looked, complete } = await failed.clear();
  assertEquals([done, looked, complete], [1, 3, true]);
  assertEquals(await failed.count(), 0);
  assertEquals(await queue.jobIds(), ["waits"]); // it had not failed
  const keys = (await bench.allKeys()).filter((key) => /[:]([ab])$/.test(key));
  assertEquals(keys, []);
});

Deno.test("clear() of parents lets their dependents go on or end", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  const parent = await queue.enqueueCall({ func: "a.b", jobId: "parent" });
  await queue.enqueueMany(
    Array.from({ length: 1_500 }, (_, i) => ({
      func: "a.b",
      jobId: `c${i}`,
      dependsOn: parent,
    })),
  );
  await desk.fail();
  assertEquals(await queue.deferredJobRegistry.count(), 1_500);
  assertEquals((await queue.failedJobRegistry.clear()).done, 1);
  assertEquals((await queue.deferredJobRegistry.clear()).done, 1_500);
  assertEquals(
    (await bench.allKeys()).filter((key) => key.startsWith("rq:job:")),
    [],
  );
});

Deno.test("cancelAll() cancels the jobs of a registry, also those that run", async () => {
  await using desk = await Desk.open();
  const { queue, bench, worker } = desk;
  await queue.enqueueMany([
    { func: "a.b", jobId: "a", in: "1h", tags: ["x"] },
    { func: "a.b", jobId: "b", in: "1h" },
    { func: "a.b", jobId: "runs" },
  ]);
  const execution = await bench.claim(worker);
  const scheduled = queue.scheduledJobRegistry;
  assertEquals((await scheduled.cancelAll({ tag: "x" })).done, 1);
  assertEquals(await scheduled.jobIds(), ["b"]);
  assertEquals((await queue.startedJobRegistry.cancelAll()).done, 1);
  assertEquals((await queue.canceledJobRegistry.jobIds()).sort(), [
    "a",
    "runs",
  ]);
  assertEquals(await bench.end(worker, execution), "lost");
});

Deno.test("remove() takes an id off, and deletes the job only if that is wanted", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await failedJobs(desk, "a", "b");
  const failed = queue.failedJobRegistry;
  assertEquals(await failed.remove("a"), true);
  assertEquals(await failed.remove("a"), false);
  assertEquals((await queue.fetchJob("a"))?.id, "a");
  assertEquals(await failed.remove("b", { deleteJob: true }), true);
  assertEquals(await failed.remove("b", { deleteJob: true }), false);
  assertEquals(await queue.fetchJob("b"), null);
});

/** Never called. */
export function checked(queue: Queue): void {
  // @ts-expect-error what runs cannot be put back
  queue.startedJobRegistry.requeueAll();
  // @ts-expect-error it is stopped or canceled, not removed
  queue.startedJobRegistry.remove("a");
  // @ts-expect-error what waits for others is not requeued
  queue.deferredJobRegistry.requeue("a");
}
