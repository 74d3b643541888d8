/**
 * Unique jobs: one job at a time for a key, the last call of many, and one job for a burst of calls.
 *
 * ```sh
 * deno run -A examples/unique.ts
 * ```
 */

import { DuplicateJobError, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

await using queue = new Queue("reports");
await queue.empty();

// Nobody else may enqueue this report until it has ended.
const yearly = await queue.enqueueCall({
  func: report,
  args: ["2026"],
  unique: { key: "yearly" },
});
try {
  await queue.enqueueCall({
    func: report,
    args: ["2027"],
    unique: { key: "yearly" },
  });
} catch (error) {
  if (!(error instanceof DuplicateJobError)) throw error;
  console.log(`yearly: refused, ${error.jobId === yearly.id}`);
}

// Of several calls, the first one counts, …
const skip = { key: "monthly", ifTaken: "skip" } as const;
const first = await queue.enqueueCall({
  func: report,
  args: ["May"],
  unique: skip,
});
const second = await queue.enqueueCall({
  func: report,
  args: ["June"],
  unique: skip,
});
console.log(`monthly: ${second.isNew}, ${second.id === first.id}`);

// … the last one, …
const replace = { key: "weekly", ifTaken: "replace" } as const;
for (const args of [["week 1"], ["week 2"]] as [string][]) {
  await queue.enqueueCall({ func: report, args, unique: replace });
}

// … or the last one once there has been no further call for a second.
const debounce = {
  key: "daily",
  ifTaken: "debounce",
  delay: "1s",
  maxWait: "10s",
} as const;
const daily = await queue.enqueueMany(
  ["Monday", "Tuesday", "Wednesday"].map((day) => ({
    func: report,
    args: [day] as [string],
    unique: debounce,
  })),
);
console.log(`daily: ${new Set(daily.map(({ id }) => id)).size} job`);

const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
await daily[0]!.wait({ timeout: 60 });
worker.stop();
await working;
