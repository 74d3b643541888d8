/** Unique jobs as producers see them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import type { Unique } from "../../lib/job/unique.ts";
import type { EnqueueCall } from "../../lib/queue/enqueue_call.ts";
import type { Job } from "../../lib/queue/job.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { lookAtWait } from "../../lib/store/steps.ts";
import { Desk } from "./support.ts";

const func = "jobs.f";

Deno.test("a taken key is a DuplicateJobError that names the key and the job that holds it", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const unique = { key: "invoice-7" };
  const job = await queue.enqueueCall({ func, unique });
  assertEquals(await queue.uniqueHolder("invoice-7"), job.id);
  const error = await assertRejects(
    () => queue.enqueueCall({ func, unique }),
    DuplicateJobError,
    `unique key "invoice-7" of queue "q" is held by job "${job.id}", which is queued`,
  );
  assertEquals([error.jobId, error.uniqueKey], [job.id, "invoice-7"]);
  await desk.fail();
  assertEquals(await queue.uniqueHolder("invoice-7"), null);
  const next = await queue.enqueueCall({ func, unique });
  const requeueing = await assertRejects(
    () => job.requeue(),
    DuplicateJobError,
    `Cannot requeue job "${job.id}": its unique key "invoice-7" is held by job "${next.id}"`,
  );
  const { jobId, uniqueKey } = requeueing;
  assertEquals([jobId, uniqueKey], [next.id, "invoice-7"]);
  assertEquals(await queue.freeUnique("invoice-7"), true);
  await job.requeue();
});

Deno.test("with skip the call gives the job that holds the key, and says that it is not new", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const unique = { key: "k", ifTaken: "skip" } as const;
  const call = { func, unique, description: "a" };
  const job = await queue.enqueueCall(call);
  const same = await queue.enqueueCall({ ...call, description: "b" });
  assertEquals([job.isNew, same.isNew], [true, false]);
  assertEquals([same.id, same.description], [job.id, "a"]);
  const fetched = await queue.fetchJob(job.id);
  assertEquals(fetched?.isNew, false);
});

Deno.test("in a call of many, skipped ones are in their places, refused ones in the error", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const skip = { func, unique: { key: "k", ifTaken: "skip" } } as const;
  const jobs = await queue.enqueueMany([{ func }, skip, { func }, skip]);
  assertEquals(jobs.map(({ isNew }) => isNew), [true, true, true, false]);
  assertEquals(jobs[3].id, jobs[1].id);
  assertEquals(
    await queue.jobIds(),
    jobs.slice(0, 3).map(({ id }) => id),
  );
  const error = await assertRejects(
    () => queue.enqueueMany([{ func, unique: { key: "k" } }, { func }]),
    AggregateError,
    "Cannot enqueue 1 of 2 jobs; the others are enqueued",
  );
  assert(error.errors[0] instanceof DuplicateJobError);
  assertEquals(await queue.count(), 4);
});

Deno.test("a job that holds a key for a time may be gone: then only its id is known", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const unique = { key: "k", until: "1h", ifTaken: "skip" } as const;
  const job = await queue.enqueueCall({ func, unique });
  await job.delete();
  const same = await queue.enqueueCall({ func, unique });
  assertEquals([same.id, same.isNew], [job.id, false]);
  assertEquals(await same.getStatus(), null);
  assertEquals(await same.delete(), false);
});

Deno.test("a debounced job is one job for all callers, and its result is that of the last arguments", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  const unique = { key: "k", ifTaken: "debounce", delay: 30 } as const;
  const call = (text: string) =>
    queue.enqueueCall({ func, args: [text], meta: { text }, unique });
  const first = await call("a");
  const second = await call("b");
  assertEquals([first.isNew, second.isNew], [true, false]);
  assertEquals(second.id, first.id);
  assertEquals(second.args, ["b"]);
  await first.refresh();
  assertEquals(first.args, ["b"]);
  assertEquals(first.meta, { text: "b" });
  assertEquals(first.description, "jobs.f('b')");
  await bench.send("ZADD", "rq:scheduled:q", 1, first.id);
  await bench.sweeps.promoteScheduled("q");
  await desk.finish();
  assertEquals(await first.wait({ timeout: 5 }), "done");
});

Deno.test("unique: true refuses an id as long as a job is stored under it", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const call = { func, jobId: "a", unique: true } as const;
  await queue.enqueueCall(call);
  await desk.finish();
  const error = await assertRejects(
    () => queue.enqueueCall(call),
    DuplicateJobError,
    `Cannot enqueue job "a": a job of this id is finished`,
  );
  assertEquals([error.jobId, error.uniqueKey], ["a", undefined]);
  assertEquals((await queue.enqueueCall({ func, jobId: "a" })).isNew, true);
});

Deno.test.each<[string, Partial<EnqueueCall>]>([
  ["turn of a fair key", { fairKey: "tenant-7" }],
  ["slot of a rate limit", { rateLimit: { key: "l", concurrency: 1 } }],
])(
  "a job that is replaced or put off gives the %s to the next one that waits",
  async (_what, options) => {
    await using desk = await Desk.open();
    const { queue } = desk;
    const enqueue = (unique?: Unique) =>
      queue.enqueueCall({ func, ...options, ...(unique && { unique }) });
    const statuses = (...jobs: Job[]) =>
      Promise.all(jobs.map((job) => job.getStatus()));
    const replace = { key: "k", ifTaken: "replace" } as const;
    const first = await enqueue(replace);
    const next = await enqueue();
    assertEquals(await statuses(first, next), ["queued", "rate_limited"]);
    const second = await enqueue(replace);
    const after = await statuses(first, next, second);
    assertEquals(after, [null, "queued", "rate_limited"]);
    await desk.finish();
    assertEquals(await statuses(second), ["queued"]);
    const last = await enqueue();
    const debounce = { key: "k", ifTaken: "debounce", delay: 600 } as const;
    assertEquals((await enqueue(debounce)).id, second.id);
    assertEquals(await statuses(second, last), ["scheduled", "queued"]);
  },
);

Deno.test("a job that was created takes its key when it is enqueued", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const unique = { key: "k", ifTaken: "skip" } as const;
  const created = await queue.createJob({ func, unique });
  await created.save();
  assertEquals(await queue.uniqueHolder("k"), null);
  const first = await queue.enqueueCall({ func, unique });
  const same = await queue.enqueueJob(created);
  assertEquals([same.id, same.isNew], [first.id, false]);
  assertEquals(await created.getStatus(), "created");
  await desk.finish();
  assertEquals((await queue.enqueueJob(created)).id, created.id);
  assertEquals(await queue.uniqueHolder("k"), created.id);
  const refused = await queue.createJob({ func, unique: { key: "k" } });
  await assertRejects(
    () => queue.enqueueJob(refused),
    DuplicateJobError,
    `unique key "k" of queue "q" is held by job "${created.id}"`,
  );
  const over = await queue.createJob({ func, jobId: first.id, unique: true });
  await assertRejects(() => over.save(), DuplicateJobError, "is finished");
});

Deno.test("keys are each queue's own, under each prefix", async () => {
  await using desk = await Desk.open({ prefix: "{app}:" });
  const unique = { key: "k" };
  await desk.queue.enqueueCall({ func, unique });
  await using other = new Queue("other", {
    connection: desk.queue.connection,
    prefix: "{app}:",
  });
  await other.enqueueCall({ func, unique });
  assertEquals(
    (await desk.bench.allKeys()).filter((key) => key.includes("x_unique:")),
    ["{app}:x_unique:1:q:k", "{app}:x_unique:5:other:k"],
  );
});

Deno.test.each<[Unique]>([
  [{ key: "k", ifTaken: "replace" }],
  [{ key: "k", ifTaken: "debounce", delay: 30 }],
])(
  "a job that sleeps between two of its steps goes on, with %o too",
  async (unique) => {
    await using desk = await Desk.open();
    const { bench, queue, worker } = desk;
    const call = { func, unique: { key: "k", ifTaken: "replace" } } as const;
    const job = await queue.enqueueCall({ ...call, args: ["first"] });
    const execution = await bench.claim(worker);
    const wait = { name: "go", forSignal: true };
    await lookAtWait(bench.workers, execution, wait);
    const payload = JSON.stringify({ at: null, signals: ["go"] });
    await bench.end(worker, execution, { outcome: "asleep", ttl: 0, payload });
    const data = await bench.field(job.id, "data");
    const next = await queue.enqueueCall({ func, unique, args: ["second"] });
    assert(next.id !== job.id);
    assertEquals(await bench.status(job.id), "scheduled");
    assertEquals(await bench.field(job.id, "data"), data);
    assertEquals(await queue.uniqueHolder("k"), next.id);
  },
);
