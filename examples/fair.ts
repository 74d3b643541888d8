/**
 * Fair keys: tenants that share a queue take turns, so that one with many jobs does not keep the others waiting.
 *
 * ```sh
 * deno run -A examples/fair.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

await using queue = new Queue("fair");
await queue.empty();

/** Enqueues so many jobs of a tenant. */
async function enqueue(fairKey: string, count: number): Promise<void> {
  await queue.enqueueMany(
    Array.from({ length: count }, (_, i) => ({
      func: report,
      args: [`${fairKey}, job ${i + 1}`] as [string],
      fairKey,
    })),
  );
}

await enqueue("big tenant", 5);
await enqueue("small tenant", 2);
console.log(`${await queue.count()} jobs wait`);

// The small tenant's two are the second and the fourth to start.
const log = makeLogger("ERROR", "text");
await new Worker(queue.name, { burst: true, log }).work();
