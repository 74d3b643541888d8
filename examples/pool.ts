/**
 * A pool: several workers, each a process of its own, that are replaced if they die.
 *
 * ```sh
 * deno run -A examples/pool.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger } from "@deno-rq/rq/worker";
import { WorkerPool } from "@deno-rq/rq/worker-pool";
import { report } from "./rq_test.ts";

await using queue = new Queue("pool");
await queue.empty();
const jobs = await queue.enqueueMany(
  ["one", "two", "three"].map((title) => ({
    func: report,
    args: [title] as [string],
  })),
);

const pool = new WorkerPool(queue.name, {
  numWorkers: 2,
  burst: true,
  log: makeLogger("ERROR", "text"),
  workerFlags: ["--quiet"],
  workerDenoArgs: Deno.args, // if deno needs flags, such as --import-map
});
await pool.start();

const results = await Promise.all(jobs.map((job) => job?.result()));
console.log(`The jobs returned ${results.join(", ")}`);
