/**
 * Looking at jobs: where they are, what waits for them, and how each attempt ended; and at the workers.
 *
 * ```sh
 * deno run -A examples/look.ts
 * ```
 */

import { Queue, retry, WorkerInfo } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { unsteady } from "./retry_jobs.ts";
import { hello } from "./rq_test.ts";

await using queue = new Queue("look");
await queue.empty();
await queue.enqueue(hello, "first");
const job = await queue.enqueueCall({
  func: unsteady,
  retry: retry({ max: 3 }),
});
const child = await queue.enqueueCall({
  func: hello,
  args: ["last"],
  dependsOn: job,
});
console.log(`> ${job.status}, ${await job.position()} before it`);
for await (const { id, status } of job.dependents()) {
  console.log(`> ${id === child.id} ${status}`);
}

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
await child.wait({ timeout: 60 });
const { connection } = queue;
for (const info of await WorkerInfo.all({ connection, queue: queue.name })) {
  console.log(`> a worker: alive ${info.isAlive}, queues ${info.queues}`);
}
worker.stop();
await working;

for (const { attempt, type, returnValue, excString } of await job.results()) {
  const end = excString?.split("\n")[0] ?? returnValue;
  console.log(`> ${attempt}. ${type}: ${end}`);
}
