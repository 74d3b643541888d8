/**
 * `job()`: a function with a queue and options of its own, which is enqueued by its own methods.
 *
 * ```sh
 * deno run -A worker.ts greetings &
 * deno run -A examples/job.ts
 * ```
 */

import { greet } from "./job_jobs.ts";

const now = await greet.enqueue("yangyi");
const later = await greet.enqueueIn("1s", "in a second");
const first = await greet.with({ atFront: true, retry: 1 }).enqueue("first");
for (const job of [now, later, first]) {
  console.log(job.origin, job.timeout, await job.wait({ timeout: 60 }));
}
console.log(greet("an ordinary call"));
// Nothing has to be closed: the connection closes when it is not used any more.
