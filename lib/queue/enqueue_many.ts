/**
 * Enqueueing many jobs.
 *
 * @module
 */

import type { Enqueued } from "../store/enqueuer.ts";
import type { JobStore } from "../store/job_store.ts";
import type { NewJob } from "../store/new_job.ts";
import type { Job } from "./job.ts";

/** How many jobs are sent in a round trip. */
const CHUNK = 1_000;

/** How many in the first: fewer, so that Redis has work while the next chunk is prepared. */
const FIRST_CHUNK = 250;

/** How outcomes become jobs. */
export interface JobMaker {
  /** The job that was enqueued. */
  jobOf(job: NewJob, enqueued: Enqueued): Job;
  /** The job of an id that is there instead. */
  existing(id: string): Promise<Job>;
}

/**
 * Enqueues jobs in their order.
 *
 * @throws {AggregateError} If some were refused.
 */
export async function enqueueMany(
  store: JobStore,
  prepared: readonly NewJob[],
  maker: JobMaker,
): Promise<Job[]> {
  const jobs: Job[] = [];
  const errors: unknown[] = [];
  const settle = async (chunk: readonly NewJob[]) => {
    const found: Promise<void>[] = [];
    const outcomes = await store.enqueueMany(chunk);
    outcomes.forEach((outcome, k) => {
      if (outcome.status === "rejected") {
        errors.push(outcome.reason);
        return;
      }
      const { existing } = outcome.value;
      const at = jobs.push(maker.jobOf(chunk[k]!, outcome.value)) - 1;
      if (existing === undefined) return;
      const read = maker.existing(existing).then((job) => {
        jobs[at] = job;
      });
      found.push(read.catch((error) => void errors.push(error)));
    });
    await Promise.all(found);
  };
  // The next chunk is prepared while Redis works on the one before it.
  let ahead: Promise<void> = Promise.resolve();
  for (let from = 0; from < prepared.length;) {
    const to = from + (from === 0 ? FIRST_CHUNK : CHUNK);
    const before = ahead;
    ahead = settle(prepared.slice(from, to));
    await before;
    from = to;
  }
  await ahead;
  if (errors.length > 0) {
    throw new AggregateError(
      errors,
      `Cannot enqueue ${errors.length} of ${prepared.length} jobs; the others are enqueued`,
    );
  }
  return jobs;
}
