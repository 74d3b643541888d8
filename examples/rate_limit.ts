/**
 * A rate limit: of all jobs with one key, only so many are queued or run at a time, whichever workers run them.
 *
 * ```sh
 * deno run -A examples/rate_limit.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

await using queue = new Queue("mail");
await queue.empty();

const jobs = await queue.enqueueMany(
  ["a", "b", "c", "d"].map((title) => ({
    func: report,
    args: [title] as [string],
    rateLimit: { key: "mailserver", concurrency: 2 },
  })),
);
for (const job of jobs) {
  console.log(`${job.args[0]}: ${await job.getStatus()}`);
}

// It has room for four jobs, and runs two: the end of each queues the next one.
const log = makeLogger("ERROR", "text");
await new Worker(queue.name, { burst: true, concurrency: 4, log }).work();
for (const job of jobs) console.log(`${await job.result()}: done`);
