/**
 * A job that is made first, seen by others, and enqueued later.
 *
 * ```sh
 * deno run -A examples/created.ts
 * ```
 */

import { Job, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { hello } from "./rq_test.ts";

await using queue = new Queue("created");
const draft = await queue.createJob({ func: hello, args: ["yangyi"] });
await draft.save();
console.log(`> ${await draft.getStatus()}, queued: ${await queue.count()}`);

// Somewhere else, perhaps after somebody has agreed.
const { connection } = queue;
const job = await Job.fetch<string>(draft.id, { connection });
await queue.enqueueJob(job);
console.log(`> ${await job.getStatus()}, queued: ${await queue.count()}`);

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { burst: true, log });
await worker.work();
console.log(`> ${await job.getStatus()}`);
