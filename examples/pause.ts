/**
 * Keeping workers from taking jobs, those of one queue or all of them.
 *
 * ```sh
 * deno run -A examples/pause.ts
 * ```
 */

import { isSuspended, Queue, resume, suspend } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { hello } from "./rq_test.ts";

await using queue = new Queue("pause");
await queue.empty();
const job = await queue.enqueue(hello, "you");

async function work(): Promise<void> {
  const log = makeLogger("ERROR", "text");
  await using worker = new Worker(queue.name, { burst: true, log });
  await worker.work();
}

await queue.pause({ for: "10m" });
await work();
console.log(`> paused: ${await queue.isPaused()}, ${await job.getStatus()}`);
await queue.resume();

await suspend(); // also Python's workers
await work();
console.log(`> suspended: ${await isSuspended()}, ${await job.getStatus()}`);
await resume();

await work();
console.log(`> at last: ${await job.getStatus()}`);
