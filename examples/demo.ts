/**
 * The tour: enqueue, run a worker until the queue is empty, look at what came of it.
 *
 * ```sh
 * deno task demo
 * ```
 */

import { type Job, JobFailedError, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { hello, report, workat } from "./rq_test.ts";

await using queue = new Queue("demo");
await queue.empty();

async function runWorker(): Promise<void> {
  const log = makeLogger("INFO", "text");
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
