/**
 * Enqueueing many jobs.
 *
 * @module
 */

import { NoSuchJobError } from "../base/errors.ts";
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
  const refused = new Map<number, unknown>();
  // It returns a promise only for a job that has to be read: there may be very many others.
  const take = (i: number, enqueued: Enqueued): Promise<void> | undefined => {
    jobs[i] = maker.jobOf(prepared[i]!, enqueued);
    if (enqueued.existing === undefined) return undefined;
    return maker.existing(enqueued.existing).then((job) => {
      jobs[i] = job;
    });
  };
  const settle = async (from: number, to: number) => {
    const outcomes = await store.enqueueMany(prepared.slice(from, to));
    const found: Promise<void>[] = [];
    for (const [k, outcome] of outcomes.entries()) {
      const i = from + k;
      if (outcome.status === "rejected") {
        refused.set(i, outcome.reason);
        continue;
      }
      const reading = take(i, outcome.value);
      if (reading === undefined) continue;
      found.push(reading.catch((reason) => void refused.set(i, reason)));
    }
    await Promise.all(found);
  };
  // The next chunk is prepared while Redis works on the one before it.
  let ahead: Promise<void> = Promise.resolve();
  for (let from = 0; from < prepared.length;) {
    const to = from + (from === 0 ? FIRST_CHUNK : CHUNK);
    const before = ahead;
    ahead = settle(from, to);
    await before;
    from = to;
  }
  await ahead;
  for (const i of [...refused.keys()].sort((a, b) => a - b)) {
    if (!hasOvertaken(i, prepared, refused)) continue;
    try {
      await take(i, await store.enqueue(prepared[i]!));
      refused.delete(i);
    } catch (error) {
      refused.set(i, error);
    }
  }
  if (refused.size > 0) {
    throw new AggregateError(
      [...refused].sort(([a], [b]) => a - b).map(([, reason]) => reason),
      `Cannot enqueue ${refused.size} of ${prepared.length} jobs; the others are enqueued`,
    );
  }
  return jobs;
}

/**
 * Whether a job was refused because one before it, on which it depends, was not there yet: that one had shared a call with
 * a job that Redis refuses, and was sent again.
 */
function hasOvertaken(
  i: number,
  prepared: readonly NewJob[],
  refused: ReadonlyMap<number, unknown>,
): boolean {
  const reason = refused.get(i);
  if (!(reason instanceof NoSuchJobError)) return false;
  const parent = prepared.findIndex(({ id }) => id === reason.jobId);
  return parent >= 0 && parent < i && !refused.has(parent);
}
