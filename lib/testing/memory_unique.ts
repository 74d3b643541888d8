/**
 * Unique keys of jobs in memory.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { MemoryJob } from "./memory_job.ts";

/** The job that holds a unique key of a queue, if any does. */
export function holderOf(
  jobs: readonly MemoryJob[],
  queue: string,
  key: string,
): MemoryJob | undefined {
  return jobs.findLast((job) =>
    job.unique.key === key && job.origin === queue && holdsKey(job)
  );
}

/** What a new job does if its key is taken: `error`, `skip`, `replace` or `debounce`. */
export function whatIfTaken(fields: ReadonlyMap<JobField, RedisArg>): string {
  return String(fields.get("x_unique_how")).split(" ")[1] ?? "error";
}

/** Whether a job still holds its key: until it has started, until it has ended, or for some seconds. */
function holdsKey(job: MemoryJob): boolean {
  const [until] = job.unique.how.split(" ");
  if (until === "ended") return !job.hasEnded;
  if (until === "started") return !job.hasEnded && job.status !== "started";
  return Date.now() < job.since + 1_000 * Number(until);
}
