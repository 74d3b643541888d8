/** Jobs of the example of callbacks, and what is called when they have ended. */

import type { FailedJob, FinishedJob } from "@deno-rq/rq/current";

export function pack(order: number): string {
  if (order < 0) throw new RangeError(`there is no order ${order}`);
  return `order ${order} is packed`;
}

/** Called after a success, with what the job has returned. */
export function packed(job: FinishedJob<string>): void {
  console.log(`> ${job.result}`);
}

/** Called once the job has failed and is not tried again. */
export function notPacked(job: FailedJob): void {
  console.log(`> ${job.func}(${job.args}): ${job.error.split("\n")[0]}`);
}
