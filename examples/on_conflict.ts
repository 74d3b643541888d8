/**
 * Jobs of one key that run one at a time, and what a new one does about those that are there already.
 *
 * ```sh
 * deno run -A examples/on_conflict.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

await using queue = new Queue("search");
await queue.empty();
const rateLimit = { key: "index", concurrency: 1 };

/** Enqueues a job that has those canceled that wait for their turn: what they would have done, it does as well. */
function reindex(title: string) {
  return queue.enqueueCall({
    func: report,
    args: [title],
    rateLimit: { ...rateLimit, onConflict: "keepLatest" },
  });
}

const jobs = [await reindex("a"), await reindex("b"), await reindex("c")];
for (const job of jobs) {
  console.log(`${job.args[0]}: ${await job.getStatus()}`);
}

// This one is not enqueued, since there are others.
const skipped = await queue.enqueueCall({
  func: report,
  args: ["d"],
  rateLimit: { ...rateLimit, onConflict: "skip" },
});
console.log(`d: is ${skipped.isNew ? "new" : `${skipped.args[0]} instead`}`);

const log = makeLogger("ERROR", "text");
await new Worker(queue.name, { burst: true, concurrency: 2, log }).work();
