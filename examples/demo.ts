/**
 * The tour: enqueue, run a worker until the queue is empty, look at what came of it; a cascade, jobs for later, a retry, and
 * failed jobs that are all tried again.
 *
 * ```sh
 * deno task demo
 * ```
 */

import { type Job, JobFailedError, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { deliver, unlucky } from "./demo_jobs.ts";
import { hello, report, workat } from "./rq_test.ts";

await using queue = new Queue("demo");
await queue.empty();

const log = makeLogger("INFO", "text");

/** Runs what waits, and leaves. */
async function runWorker(): Promise<void> {
  await new Worker(queue.name, { burst: true, log }).work();
}

async function show(label: string, job: Job): Promise<void> {
  await job.refresh();
  console.log(`\n${label}: ${await job.getStatus()}`);
  try {
    console.log("result:", await job.wait({ timeout: 5 }));
  } catch (error) {
    if (!(error instanceof JobFailedError)) throw error;
    console.log(`error: ${error.message}`);
  }
  console.log("toDict():", job.toDict());
}

console.log("# Two jobs: one works, one is called without its argument\n");
const greeted = await queue.enqueue(hello, "yangyi");
const broken = await queue.enqueue("examples.rq_test.workat");
console.log(`${queue.name} holds ${await queue.count()} jobs\n`);
await runWorker();
await show("hello", greeted);
await show("workat", broken);

console.log("\n# A cascade: B runs once A has finished\n");
const a = await queue.enqueue(workat, "home");
const b = await queue.enqueueCall({
  func: report,
  args: ["B, after A"],
  dependsOn: a,
});
console.log(`A is ${await a.getStatus()}, B is ${await b.getStatus()}\n`);
await runWorker();
console.log(`\nA: ${await a.result()}, B: ${await b.result()}`);

console.log("\n# At the front, canceled, deleted\n");
const last = await queue.enqueue(report, "last");
const canceled = await queue.enqueue(report, "never");
const deleted = await queue.enqueue(report, "never either");
const first = await queue.enqueueCall({
  func: report,
  args: ["first"],
  atFront: true,
});
await canceled.cancel();
await deleted.delete();
const order = await queue.jobIds();
console.log(`first, then last: ${order.join() === [first.id, last.id].join()}`);
console.log(
  `canceled: ${await canceled.getStatus()}, deleted: ${await deleted
    .getStatus()}\n`,
);
await runWorker();

console.log("\n# For later, and tried again\n");
{
  await using worker = new Worker(queue.name, { log });
  const working = worker.work();
  const later = await queue.enqueueIn("1s", report, "a second later");
  const retried = await queue.enqueueCall({ func: unlucky, retry: 1 });
  console.log(`the one for later is ${await later.getStatus()}`);
  await later.wait({ timeout: 10 });
  console.log(`\nretried: ${await retried.wait({ timeout: 10 })}`);
  for (const { attempt, type } of await retried.results()) {
    console.log(`attempt ${attempt}: ${type}`);
  }
  worker.stop();
  await working;
}

console.log(
  "\n# The mail server is down; later, all that failed is requeued\n",
);
const server = await Deno.makeTempFile();
await Deno.remove(server);
const mails = await queue.enqueueMany(
  ["a@b.c", "d@e.f", "g@h.i"].map((to) => ({
    func: deliver,
    args: [to, server] as const,
  })),
);
await runWorker();
const failed = queue.failedJobRegistry;
console.log(`\n${await failed.count()} jobs of ${queue.name} have failed`);
await Deno.writeTextFile(server, "up");
const { done } = await failed.requeueAll({ func: deliver });
console.log(`${done} are requeued\n`);
await runWorker();
for (const mail of mails) console.log(await mail.result());
await Deno.remove(server);
