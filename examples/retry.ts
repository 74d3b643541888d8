/**
 * Retries: a job that fails twice and then works, one that says itself when to be tried again, and one that is not to be.
 *
 * ```sh
 * deno run -A examples/retry.ts
 * ```
 */

import { Queue, retry } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { askForMore, unsteady } from "./retry_jobs.ts";

await using queue = new Queue("retries");
await queue.empty();
const jobs = await queue.enqueueMany([
  {
    func: unsteady,
    retry: retry({
      max: 3,
      interval: "1s",
      backoff: "exponential",
      jitter: 0.1,
    }),
  },
  { func: askForMore, args: [2] },
  { func: askForMore, args: [-1], retry: 5 },
]);
const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
for (const job of jobs) {
  const end = await job.wait({ timeout: 60 }).catch((error) => error.cause);
  console.log(`> ${end}`);
}
worker.stop();
await working;
