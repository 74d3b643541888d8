/**
 * Watching: what happens to jobs, as it happens.
 *
 * ```sh
 * deno run -A examples/watch.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { copy } from "./watch_jobs.ts";

await using queue = new Queue("watch");
await queue.empty();
const job = await queue.enqueue(copy, ["a.txt", "b.txt"]);

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
for await (const event of job.watch()) {
  switch (event.type) {
    case "status":
      console.log(`> ${event.status}`);
      break;
    case "progress":
      console.log(`> ${event.value * 100} %: ${event.note}`);
  }
}
for await (const { line, text } of job.logs()) console.log(`> ${line} ${text}`);
worker.stop();
await working;
