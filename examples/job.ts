/**
 * `job()`: a function with a queue and options of its own, which is enqueued by its own methods. And a static method.
 *
 * ```sh
 * deno run -A worker.ts greetings &
 * deno run -A examples/job.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { greet, Mailer } from "./job_jobs.ts";

const now = await greet.enqueue("yangyi");
const later = await greet.enqueueIn("1s", "in a second");
const first = await greet.with({ atFront: true, retry: 1 }).enqueue("first");
for (const job of [now, later, first]) {
  console.log(job.origin, job.timeout, await job.wait({ timeout: 60 }));
}
console.log(greet("an ordinary call"));
// Nothing of it has to be closed: the connection closes when it is not used any more.

await using queue = new Queue("greetings");
const mail = await queue.enqueue(Mailer.send, "a@b.c");
console.log(mail.description, await mail.wait({ timeout: 60 }));
