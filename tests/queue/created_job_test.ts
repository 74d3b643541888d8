/** `createJob()` and `enqueueJob()`: jobs that are made before they are enqueued. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DuplicateJobError,
  InvalidJobOperationError,
  NoSuchJobError,
} from "../../lib/base/errors.ts";
import { Job } from "../../lib/queue/job.ts";
import { Queue } from "../../lib/queue/queue.ts";
import {
  dependency,
  type EnqueueCall,
  Group,
  retry,
  webhook,
} from "../../mod.ts";
import { masked } from "../store/support.ts";
import { send } from "./fixtures/project/jobs/mail.ts";
import { Desk } from "./support.ts";

Deno.test("createJob() stores nothing before save(), and save() no id on the queue", async () => {
  await using desk = await Desk.open();
  const before = await desk.bench.dump();
  const job = await desk.queue.createJob({ func: send, args: ["a"] });
  assertEquals(await desk.bench.dump(), before);
  assertEquals([job.funcName, job.args, job.origin], [
    "jobs.mail.send",
    ["a"],
    "q",
  ]);
  assertEquals([await job.getStatus(), job.enqueuedAt], [null, null]);
  job.setTimeout("5m");
  job.meta["of"] = "mine";
  await job.save();
  assertEquals(await job.getStatus(), "created");
  const stored = await desk.queue.fetchJob(job.id);
  assertEquals([stored?.timeout, stored?.meta], [300, { of: "mine" }]);
  assertEquals(await desk.queue.count(), 0);
});

Deno.test("enqueueJob() enqueues a created job with its options, saved or not", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("a.b");
  const options = { func: send, args: ["a"], timeout: 7, retry: 2 } as const;
  const jobs: [Job, string][] = [
    [await desk.queue.createJob(options), "queued"],
    [await desk.queue.createJob({ ...options, in: "1h" }), "scheduled"],
    [
      await desk.queue.createJob({ ...options, dependsOn: parent }),
      "deferred",
    ],
  ];
  for (const [i, [job, status]] of jobs.entries()) {
    if (i % 2) await job.save();
    assertEquals(await desk.queue.enqueueJob(job), job);
    assertEquals(await job.getStatus(), status);
    assertEquals(job.enqueuedAt !== null, status === "queued");
    assertEquals(job.timeout, 7);
    assertEquals(await desk.bench.field(job.id, "retries_left"), "2");
  }
});

Deno.test("a created job can be fetched, and enqueued on another queue, with that one's time limit for one without", async () => {
  await using desk = await Desk.open();
  const made = await desk.queue.createJob({ func: send, args: ["a"] });
  await made.save();
  const { connection } = desk.queue;
  const job = await Job.fetch(made.id, { connection });
  const other = new Queue("other", { connection, defaultTimeout: 9 });
  await other.enqueueJob(job, { atFront: true });
  assertEquals([job.origin, job.timeout], ["other", 180]);
  assertEquals(await other.jobIds(), [job.id]);
});

Deno.test("enqueueJob() enqueues a job once: who comes later is told its status", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.createJob({ func: send, args: ["a"] });
  await desk.queue.enqueueJob(job);
  const error = await assertRejects(
    () => desk.queue.enqueueJob(job),
    InvalidJobOperationError,
    "it is queued, expected one that has been created",
  );
  assertEquals(error.status, "queued");
  assertEquals(await desk.queue.jobIds(), [job.id]);
});

Deno.test("enqueueJob() refuses jobs that were deleted, canceled or enqueued by a call", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const deleted = await queue.createJob({ func: "a.b" });
  await deleted.save();
  await deleted.delete();
  await assertRejects(() => queue.enqueueJob(deleted), NoSuchJobError);
  const canceled = await queue.createJob({ func: "a.b" });
  await canceled.save();
  await canceled.cancel();
  const enqueued = await queue.enqueue("a.b");
  for (const job of [canceled, enqueued]) {
    await assertRejects(() => queue.enqueueJob(job), InvalidJobOperationError);
  }
  assertEquals(await queue.jobIds(), [enqueued.id]);
  const fresh = await queue.createJob({ func: "a.b" });
  await assertRejects(
    () => queue.enqueueJob(fresh, { front: true } as object),
    TypeError,
    "front",
  );
});

Deno.test("save() of a created job refuses an id that is taken, and takes that of an ended job", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await queue.enqueueCall({ func: "a.b", jobId: "x" });
  const second = await queue.createJob({ func: "a.c", jobId: "x" });
  await assertRejects(() => second.save(), DuplicateJobError, "is queued");
  await desk.finish();
  await second.save();
  assertEquals(await second.getStatus(), "created");
  await assertRejects(
    () => queue.enqueueCall({ func: "a.d", jobId: "x" }),
    DuplicateJobError,
    "is created",
  );
});

Deno.test("one can wait for a job that is enqueued only later", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.createJob({ func: send, args: ["a"] });
  await job.save();
  const waiting = job.wait({ timeout: 60 });
  await desk.queue.enqueueJob(job);
  await desk.finish(`"sent"`);
  assertEquals(await waiting, "sent");
});

Deno.test("a job that keeps no result and has run by then is no error", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const job = await queue.createJob({ func: "a.b", resultTtl: 0 });
  await queue.enqueueJob(job);
  await desk.finish(`1`, { ttl: 0 });
  assertEquals(await job.getStatus(), null);
  assert(job.enqueuedAt !== null);
});

/** Never called. */
export async function typed(queue: Queue): Promise<string> {
  // @ts-expect-error the argument is a text
  await queue.createJob({ func: send, args: [1] });
  const job = await queue.createJob({ func: send, args: ["a"] });
  return await (await queue.enqueueJob(job)).wait();
}

/** Everything in Redis but the job's times, and what only `enqueueJob()` writes into the hash. */
async function stateOf(desk: Desk): Promise<Record<string, string>> {
  const dump = Object.entries(await desk.bench.dump());
  return Object.fromEntries(
    dump.map(([key, value]) => [
      key,
      masked(value).replace(/,?"x_change=[^"]*"/, "")
        .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4,12}){4}/g, "<uuid>"),
    ]),
  );
}

const OPTIONS: [string, Partial<EnqueueCall>][] = [
  ["a time limit", { timeout: 7, ttl: 100, resultTtl: 5, failureTtl: 6 }],
  ["retries", { retry: retry({ max: 2, interval: ["1s", "5s"] }) }],
  ["a delay", { in: "1h" }],
  ["a repeat", { repeat: { times: 2, interval: "1m" } }],
  ["a parent", { dependsOn: "p" }],
  [
    "a parent with a policy, and a delay",
    { dependsOn: dependency("p", { ifParentFails: "cancel" }), in: "1h" },
  ],
  ["a rate limit", { rateLimit: { key: "k", concurrency: 1 } }],
  [
    "a rate limit that keeps the latest",
    {
      rateLimit: { key: "k", concurrency: 1, onConflict: "keepLatest" },
    },
  ],
  ["a window", { rateLimit: { key: "k", limit: 1, per: "1h" } }],
  ["a unique key", { unique: { key: "u", ifTaken: "skip" } }],
  ["a fair key", { fairKey: "tenant" }],
  ["a group", { group: "g" }],
  ["callbacks", { onSuccess: "a.b", onFailure: "a.c" }],
  ["webhooks", { webhooks: [webhook("https://x.example/")] }],
  ["tags", { tags: ["a", "b"] }],
];

Deno.test.each(OPTIONS)(
  "a created job with %s ends up as one that is enqueued at once",
  async (_name, options) => {
    const call: EnqueueCall = { ...options, func: "a.b", jobId: "j" };
    const states: Record<string, string>[] = [];
    for (const isCreated of [false, true]) {
      await using desk = await Desk.open();
      const { queue } = desk;
      await Group.create({ id: "g", connection: queue.connection });
      await queue.enqueueCall({ func: "a.b", jobId: "p" });
      const rateLimit = { key: "k", concurrency: 1 };
      for (const jobId of ["has-a-slot", "waits"]) {
        await queue.enqueueCall({ func: "a.b", jobId, rateLimit });
      }
      if (isCreated) {
        const job = await queue.createJob(call);
        await job.save();
        await queue.enqueueJob(job);
      } else await queue.enqueueCall(call);
      states.push(await stateOf(desk));
    }
    assertEquals(states[1], states[0]);
  },
);
