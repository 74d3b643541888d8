/**
 * Callbacks: functions that are called when a job has succeeded or failed, each in a job of its own.
 *
 * ```sh
 * deno run -A examples/callbacks.ts
 * ```
 */

import { callback, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { notPacked, pack, packed } from "./callback_jobs.ts";

await using queue = new Queue("orders");
for (const order of [7, -1]) {
  await queue.enqueueCall({
    func: pack,
    args: [order],
    onSuccess: packed,
    onFailure: callback(notPacked, { timeout: "10s" }),
  });
}

const log = makeLogger("INFO", "text");
await new Worker(queue.name, { burst: true, log }).work();
