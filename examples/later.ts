/**
 * Jobs for later: after a while, at a time, and from inside another job.
 *
 * ```sh
 * deno run -A examples/later.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { order, remind } from "./later_jobs.ts";

await using queue = new Queue("later");
await queue.empty();
const tea = await queue.enqueueIn("2s", remind, "the tea");
const at = new Date(Date.now() + 1_000);
const bus = await queue.enqueueAt(at, remind, "the bus");
const ordered = await queue.enqueue(order);
console.log(`tea: ${await tea.getStatus()}, bus: ${await bus.getStatus()}`);
const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
const followUp = await queue.fetchJob(await ordered.wait({ timeout: 60 }));
for (const job of [bus, tea, followUp!]) {
  console.log(`> ${await job.wait({ timeout: 60 })}`);
}
worker.stop();
await working;
