/**
 * A group: pages are rendered side by side, a page may add others, and a report is made once all of them are done.
 *
 * ```sh
 * deno run -A examples/group.ts
 * ```
 */

import { Group, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { publish, render } from "./group_jobs.ts";

await using queue = new Queue("pages");
await queue.empty();
const { connection } = queue;

await using group = await Group.create({
  connection,
  onSuccess: { func: publish, args: ["the book"], queue: queue.name },
});
await group.enqueueMany(queue, [
  { func: render, args: ["cover"] },
  { func: render, args: ["chapter", 2] },
]);
const { total, open } = await group.counts();
console.log(`> ${open} of ${total} jobs are open`);

const log = makeLogger("ERROR", "text");
const worker = new Worker(queue.name, {
  connection,
  burst: true,
  concurrency: 2,
  log,
});
const [counts] = await Promise.all([
  group.wait({ timeout: "1m" }),
  worker.work(),
]);
console.log(`> ${counts.finished} of ${counts.total} jobs have finished`);
for await (const job of group.jobs()) {
  console.log(`> ${await job.result()}`);
}
