/**
 * Registries: what has failed is looked through, put back on the queue by a filter, and the rest deleted.
 *
 * ```sh
 * deno run -A examples/registries.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { deliver } from "./registries_jobs.ts";

await using queue = new Queue("registries");
const failed = queue.failedJobRegistry;
await queue.empty();
await failed.clear();

async function work(): Promise<void> {
  const log = makeLogger("CRITICAL", "text");
  await using worker = new Worker(queue.name, { burst: true, log });
  await worker.work();
}

for (const to of ["a@b.c", "nobody", "x@offline", "y@offline"]) {
  await queue.enqueue(deliver, to);
}
await work();
console.log(`> ${await failed.count()} have failed:`);
for await (const job of failed.jobs({ func: deliver })) {
  const why = (await job.excInfo())?.split("\n")[0];
  console.log(`> ${job.args[0]}: ${why}`);
}

const { done } = await failed.requeueAll({ error: "is offline" });
console.log(`> ${done} are tried again`);
await work();
const deleted = await failed.clear({ error: "no address" });
console.log(`> ${deleted.done} deleted, ${await failed.count()} still failed`);
