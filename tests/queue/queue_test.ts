import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import { dependency } from "../../lib/job/dependency.ts";
import { Job } from "../../lib/queue/job.ts";
import type { EnqueueCall } from "../../lib/queue/enqueue_call.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { Desk } from "./support.ts";
import { waitFor } from "../support/wait_for.ts";

const BAD_NAMES: [string, unknown, typeof RangeError][] = [
  ["the empty text", "", RangeError],
  ["a line break", "a\nb", RangeError],
  ["a number", 5, TypeError],
  ["null", null, TypeError],
];

Deno.test.each(BAD_NAMES)("a queue cannot be named %s", (_name, name, type) => {
  assertThrows(() => new Queue(name as string), type, "Cannot use queue name");
});

Deno.test("a queue without a name is the default queue", async () => {
  await using queue = new Queue();
  assertEquals(queue.name, "default");
});

Deno.test.each<[string, Record<string, unknown>]>([
  ["defaultTimeout", { defaultTimeout: 0 }],
  ["defaultTimeout", { defaultTimeout: "1x" }],
  ["connect", { connectTimeout: 0 }],
  ["prefix", { prefix: "" }],
])("a queue with a bad %s is refused", (label, options) => {
  const error = assertThrows(() => new Queue("q", options), RangeError);
  assert(error.message.includes(label), error.message);
});

Deno.test("enqueue() gives a job that knows all of itself, without asking Redis", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("rq_test.hello", "yangyi", 2, null);
  assertEquals(job.getId(), job.id);
  assertEquals(job.description, "rq_test.hello('yangyi', 2, None)");
  assertEquals([job.origin, job.funcName, job.timeout], [
    "q",
    "rq_test.hello",
    180,
  ]);
  assertEquals([job.args, job.kwargs, job.meta], [["yangyi", 2, null], {}, {}]);
  assertEquals([job.startedAt, job.endedAt, job.workerName], [
    null,
    null,
    null,
  ]);
  assert(job.createdAt !== null && job.enqueuedAt !== null);
  assertEquals(await job.getStatus(), "queued");
  assertEquals(await desk.queue.jobIds(), [job.id]);
});

Deno.test("enqueueCall() stores every option under RQ's name", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("a.b");
  const job = await desk.queue.enqueueCall({
    func: "a.b",
    args: [1, null, { x: [2] }],
    kwargs: { z: 1, y: null },
    timeout: "1h30m",
    resultTtl: 0,
    failureTtl: -1,
    ttl: "5m",
    dependsOn: dependency(parent, { allowFailure: true, atFront: true }),
    jobId: "job-1",
    description: "words",
    meta: { k: "v" },
  });
  await job.refresh();
  const { created_at, data, ...dict } = job.toDict();
  assert(created_at !== "");
  assertEquals(data, `["a.b",null,[1,null,{"x":[2]}],{"z":1,"y":null}]`);
  assertEquals(dict, {
    success_callback_name: "",
    failure_callback_name: "",
    stopped_callback_name: "",
    started_at: "",
    ended_at: "",
    last_heartbeat: "",
    worker_name: "",
    group_id: "",
    origin: "q",
    description: "words",
    timeout: 5_400,
    result_ttl: 0,
    failure_ttl: -1,
    status: "deferred",
    dependency_id: parent.id,
    dependency_ids: JSON.stringify([parent.id]),
    meta: `{"k":"v"}`,
    ttl: 300,
    allow_dependency_failures: 1,
    enqueue_at_front: 1,
  });
  assertEquals([job.resultTtl, job.failureTtl, job.dependencyIds], [
    0,
    -1,
    [parent.id],
  ]);
});

Deno.test("a queue's defaultTimeout holds for jobs without one of their own", async () => {
  await using desk = await Desk.open({ defaultTimeout: "5m" });
  assertEquals((await desk.queue.enqueue("a.b")).timeout, 300);
  const job = await desk.queue.enqueueCall({ func: "a.b", timeout: -1 });
  assertEquals(job.timeout, -1);
});

type Bad = [string, Omit<EnqueueCall, "func">, typeof RangeError];

const BAD: Bad[] = [
  ["timeout 0", { timeout: 0 }, RangeError],
  ["timeout -5", { timeout: -5 }, RangeError],
  ["timeout NaN", { timeout: NaN }, RangeError],
  ["timeout 1x", { timeout: "1x" }, RangeError],
  ["a negative ttl", { ttl: -5 }, RangeError],
  ["ttl 0", { ttl: 0 }, RangeError],
  ["a negative resultTtl", { resultTtl: -2 }, RangeError],
  ["a negative failureTtl", { failureTtl: -2 }, RangeError],
  ["a job id with a blank", { jobId: "a b" }, RangeError],
  ["an empty job id", { jobId: "" }, RangeError],
  ["a job id that is a number", { jobId: 5 as never }, TypeError],
  ["a parent's id with a blank", { dependsOn: "a b" }, RangeError],
  ["a parent that is null", { dependsOn: null as never }, TypeError],
  ["a parent that is a number", { dependsOn: [5] as never }, TypeError],
  ["itself as a parent", { jobId: "a", dependsOn: "a" }, RangeError],
  ["a description that is a number", { description: 5 as never }, TypeError],
  ["args that are no list", { args: "ab" as never }, TypeError],
  ["args that are an object", { args: {} as never }, TypeError],
  ["kwargs that are a list", { kwargs: [] as never }, TypeError],
  ["a BigInt", { args: [{ a: 1n }] }, TypeError],
  ["a function as an argument", { args: [() => {}] }, TypeError],
  ["a Map as an argument", { args: [new Map()] }, TypeError],
  ["NaN as an argument", { args: [NaN] }, TypeError],
  ["a Set in kwargs", { kwargs: { a: new Set() } }, TypeError],
  ["a BigInt in meta", { meta: { a: 1n } }, TypeError],
  ["meta that is a list", { meta: [] as never }, TypeError],
  ["meta that is a Map", { meta: new Map([["a", 1]]) as never }, TypeError],
  ["meta that is a date", { meta: new Date() as never }, TypeError],
];

Deno.test.each(BAD)(
  "a call with %s is refused, and nothing is written",
  async (_name, options, type) => {
    await using desk = await Desk.open();
    await desk.bench.send("FLUSHALL");
    const call = { func: "a.b", ...options };
    await assertRejects(() => desk.queue.enqueueCall(call), type, "Cannot ");
    const good = { func: "a.b" };
    await assertRejects(() => desk.queue.enqueueMany([good, call]), type);
    assertEquals(await desk.bench.send("DBSIZE"), 0);
  },
);

Deno.test("a job id that is taken by a waiting job is refused", async () => {
  await using desk = await Desk.open();
  await desk.queue.enqueueCall({ func: "a.b", jobId: "a" });
  const error = await assertRejects(
    () => desk.queue.enqueueCall({ func: "a.b", jobId: "a" }),
    DuplicateJobError,
    `Cannot enqueue job "a": a job of this id is queued`,
  );
  assertEquals(error.jobId, "a");
  await desk.finish();
  await desk.queue.enqueueCall({ func: "a.b", jobId: "a" });
});

Deno.test("enqueueMany() keeps the order over many round trips", async () => {
  await using desk = await Desk.open();
  const calls = Array.from({ length: 2_500 }, (_, i) => ({
    func: "a.b",
    args: [i],
    jobId: `job-${i}`,
  }));
  const jobs = await desk.queue.enqueueMany(calls);
  const ids = calls.map(({ jobId }) => jobId);
  assertEquals(jobs.map(({ id }) => id), ids);
  assertEquals(await desk.queue.jobIds(), ids);
  assertEquals(await desk.queue.enqueueMany([]), []);
});

Deno.test("enqueueMany() enqueues the others if Redis refuses one, and says which", async () => {
  await using desk = await Desk.open();
  const calls = ["a", "b", "a", "c"].map((jobId) => ({ func: "f.g", jobId }));
  const error = await assertRejects(
    () => desk.queue.enqueueMany(calls),
    AggregateError,
    "Cannot enqueue 1 of 4 jobs",
  );
  assertInstanceOf(error.errors[0], DuplicateJobError);
  assertEquals(await desk.queue.jobIds(), ["a", "b", "c"]);
});

Deno.test("enqueueMany() takes big arguments and a spoiled key among small jobs", async () => {
  await using desk = await Desk.open();
  await desk.bench.send("SET", "rq:job:job-7", "text");
  const text = Array.from({ length: 1_000_000 }, (_, i) => i % 10).join("");
  const calls = Array.from({ length: 20 }, (_, i) => ({
    func: "a.b",
    args: [i % 5 === 2 ? text : "small"],
    jobId: `job-${i}`,
  }));
  const error = await assertRejects(
    () => desk.queue.enqueueMany(calls),
    AggregateError,
    "Cannot enqueue 1 of 20 jobs",
  );
  assertEquals(error.errors.length, 1);
  const ids = calls.map(({ jobId }) => jobId).filter((id) => id !== "job-7");
  assertEquals(await desk.queue.jobIds(), ids);
  const jobs = await Array.fromAsync(desk.queue.jobs());
  assertEquals(
    jobs.map(({ args }) => args),
    calls.filter((_, i) => i !== 7).map(({ args }) => args),
  );
});

Deno.test("enqueueMany() refuses the same call under the same id, however fast one follows the other", async () => {
  await using desk = await Desk.open();
  for (let i = 0; i < 100; i++) {
    const call = { func: "a.b", jobId: `job-${i}` };
    const error = await assertRejects(
      () => desk.queue.enqueueMany([call, call]),
      AggregateError,
    );
    assertEquals(error.errors.length, 1);
  }
});

Deno.test("a queue tells what waits in it", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  assertEquals([await queue.count(), await queue.isEmpty()], [0, true]);
  for (const jobId of ["a", "b", "c", "d"]) {
    await queue.enqueueCall({ func: "f.g", jobId });
  }
  await queue.enqueueCall({ func: "f.g", jobId: "z", atFront: true });
  assertEquals([await queue.count(), await queue.isEmpty()], [5, false]);
  assertEquals(await queue.jobIds(), ["z", "a", "b", "c", "d"]);
  assertEquals(await queue.jobIds(1, 2), ["a", "b"]);
  assertEquals(await queue.jobIds(3), ["c", "d"]);
  assertEquals(await queue.jobIds(0, 0), []);
  await desk.bench.send("DEL", "rq:job:b");
  const jobs = await Array.fromAsync(queue.jobs());
  assertEquals(jobs.map(({ id }) => id), ["z", "a", "c", "d"]);
});

Deno.test("jobs() leaves out an id whose key holds something else", async () => {
  await using desk = await Desk.open();
  await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  await desk.bench.send("SET", "rq:job:x", "text");
  await desk.bench.send("RPUSH", "rq:queue:q", "x");
  assertEquals((await Array.fromAsync(desk.queue.jobs())).map(({ id }) => id), [
    "a",
  ]);
});

Deno.test("fetchJob() gives a job of this queue only", async () => {
  await using desk = await Desk.open();
  await using other = new Queue("r", { connection: desk.queue.connection });
  await other.enqueueCall({ func: "f.g", jobId: "a" });
  assertEquals(await desk.queue.fetchJob("a"), null);
  assertEquals(await desk.queue.fetchJob("nobody"), null);
  const job = await other.fetchJob("a");
  assert(job instanceof Job);
  assertEquals(job.funcName, "f.g");
});

Deno.test("remove() takes a job off the queue and leaves the job", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(await desk.queue.remove(job), true);
  assertEquals(await desk.queue.remove(job.id), false);
  assertEquals(await desk.queue.count(), 0);
  assertEquals(
    await Job.exists(job.id, { connection: desk.queue.connection }),
    true,
  );
});

Deno.test("empty() deletes what waits, delete() forgets the queue too", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  await queue.enqueueMany(Array(1_200).fill({ func: "f.g" }));
  assertEquals(await queue.empty(), 1_200);
  assertEquals(await queue.empty(), 0);
  await queue.enqueueCall({ func: "f.g", jobId: "a" });
  await queue.delete();
  assertEquals((await bench.allKeys()).filter((k) => !/worker/.test(k)), []);
  await queue.enqueueCall({ func: "f.g", jobId: "b" });
  await queue.delete({ deleteJobs: false });
  assertEquals(await bench.status("b"), "queued");
});

Deno.test("Queue.all() gives every queue, sorted, and closing any of them closes their connection", async () => {
  await using desk = await Desk.open();
  for (const name of ["b", "a:x", "c"]) {
    await using queue = new Queue(name, { connection: desk.queue.connection });
    await queue.enqueue("f.g");
  }
  const before = await desk.clients();
  const queues = await Queue.all({ connection: desk.bench.server.url });
  assertEquals(queues.map(({ name }) => name), ["a:x", "b", "c"]);
  assertEquals(await queues[0]!.count(), 1);
  assertEquals(await desk.clients(), before + 1);
  try {
    await queues[1]!.close();
    await waitFor(async () => await desk.clients() === before, {
      timeout: 2_000,
    });
  } finally {
    await queues[0]!.connection.close();
  }
});

Deno.test("Queue.all() on an empty Redis leaves no connection", async () => {
  await using desk = await Desk.open();
  const before = await desk.clients();
  assertEquals(await Queue.all({ connection: desk.bench.server.url }), []);
  await waitFor(async () => await desk.clients() === before, {
    timeout: 2_000,
  });
});

Deno.test("a queue that is closed says so", async () => {
  await using desk = await Desk.open();
  const queue = new Queue("r", { connection: desk.bench.server.url });
  const job = await queue.enqueue("f.g");
  await queue.close();
  await assertRejects(() => queue.enqueue("f.g"), Error);
  await assertRejects(() => job.wait(), Error);
});
