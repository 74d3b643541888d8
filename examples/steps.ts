/**
 * Steps: an order that is charged once, whatever fails after that, waits for somebody's approval without holding a worker, and
 * is shipped a moment later.
 *
 * ```sh
 * deno run -A examples/steps.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { order } from "./steps_jobs.ts";

await using queue = new Queue("orders");
await queue.empty();
const job = await queue.enqueueCall({ func: order, args: [42], retry: 2 });
const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
const timer = setInterval(async () => {
  if (await job.getStatus() !== "scheduled") return;
  clearInterval(timer);
  console.log("> it waits for the approval");
  await job.signal("approval", { by: "the boss" });
}, 50);
console.log(`> ${await job.wait({ timeout: 60 })}`);
worker.stop();
await working;
