/**
 * Stopping a job that runs, whatever it does.
 *
 * ```sh
 * deno run -A examples/stop.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { spin } from "./stop_jobs.ts";

await using queue = new Queue("stop");
await queue.empty();
const log = makeLogger("CRITICAL", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();

const job = await queue.enqueue(spin);
while (await job.getStatus() !== "started") {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

await job.stop({ by: "an example", reason: "it never ends", timeout: "1m" });
await job.refresh();
console.log(`> ${job.status} by ${job.stoppedBy?.by}`);
console.log(`> ${job.stoppedBy?.reason}`);

worker.stop();
await working;
