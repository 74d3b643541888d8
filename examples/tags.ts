/**
 * Tags: words to find jobs by, in whatever state they are.
 *
 * ```sh
 * deno run -A examples/tags.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { hello } from "./rq_test.ts";

await using queue = new Queue("tags");
await queue.empty();
for (const [name, customer] of [["A", 7], ["B", 8], ["C", 7]] as const) {
  const tags = ["greeting", `customer-${customer}`];
  await queue.enqueueCall({ func: hello, args: [name], tags });
}
for await (const job of queue.jobsByTag("customer-8")) await job.cancel();

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { burst: true, log });
await worker.work();

const lines: string[] = [];
for await (const job of queue.jobsByTag("greeting")) {
  lines.push(`${job.args[0]}, ${job.tags[1]}: ${await job.getStatus()}`);
}
for (const line of lines.sort()) console.log(`> ${line}`);
