/**
 * A rate limit by time: of the jobs of a queue, only so many start within any second, and only so many run at a time.
 *
 * ```sh
 * deno run -A examples/window.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

// Jobs that say nothing else share this limit; its key is the queue's name.
await using queue = new Queue("api", {
  rateLimit: { limit: 2, per: "1s", concurrency: 4 },
});
await queue.empty();

const jobs = await queue.enqueueMany(
  ["a", "b", "c", "d", "e"].map((title) => ({
    func: report,
    args: [title] as [string],
  })),
);
for (const job of jobs) {
  console.log(`${job.args[0]}: ${await job.getStatus()}`);
}

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { concurrency: 5, log });
const working = worker.work();
for (const job of jobs) await job.wait({ timeout: 60 });
worker.stop();
await working;

for (const job of jobs) await job.refresh();
const [first, ...others] = jobs.map((job) => job.startedAt!.getTime());
const after = others.map((ms) => Math.floor((ms - first!) / 1_000));
console.log(`in second ${[0, ...after].join(", ")}`);
