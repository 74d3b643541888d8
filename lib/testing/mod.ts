/**
 * For the tests of programs that enqueue, and of the functions that are their jobs. There is no Redis and no worker:
 *
 * ```ts ignore
 * import { capture, Queue, runJob } from "@deno-rq/rq/testing";
 *
 * Deno.test("signing up sends a welcome", async () => {
 *   using captured = capture(); // whatever is enqueued, on any queue, stays here
 *   await signUp("a@b.c");
 *   captured.assertEnqueued(send, ["a@b.c"]);
 *   await captured.drain(); // runs what was enqueued, and fails if it does
 * });
 *
 * Deno.test("an import reports its files", async () => {
 *   const { result, meta, enqueued } = await runJob(importAll, [["a.csv"]]);
 * });
 *
 * Deno.test("RQ's is_async=False", async () => {
 *   const queue = new Queue("low", { isAsync: false });
 *   const job = await queue.enqueue(send, "a@b.c"); // it has run when this resolves
 * });
 * ```
 *
 * @module
 */

import "./not_async.ts";

export {
  type Capturable,
  capture,
  type Captured,
  type DrainOptions,
} from "./capture.ts";
export type { EnqueuedOptions } from "./expected_job.ts";
export { type JobRun, runJob, type RunJobOptions } from "./run_job.ts";
export { Job } from "../queue/job.ts";
export { Queue } from "../queue/queue.ts";
export type { QueueOptions } from "../queue/queue_options.ts";
export { JobFailedError } from "../base/errors.ts";
