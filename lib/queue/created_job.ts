/**
 * Jobs that are made without being enqueued, as by RQ's `Job.create()`.
 *
 * @module
 */

import { InvalidJobOperationError, NoSuchJobError } from "../base/errors.ts";
import { refuseUnknown } from "../base/options.ts";
import type { JobField } from "../job/fields.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import { create, enqueueCreated } from "../store/created_jobs.ts";
import type { JobStore } from "../store/job_store.ts";
import type { NewJob } from "../store/new_job.ts";
import type { Job } from "./job.ts";
import { noSuchJob } from "./wait.ts";

/** Options of {@linkcode Queue.enqueueJob}. */
export interface EnqueueJobOptions {
  /**
   * Puts the job at the head of the queue.
   *
   * @default as it was created
   */
  readonly atFront?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(["atFront"]);

/** What will be stored of jobs that are not stored yet. */
const drafts = new WeakMap<Job, NewJob>();

/** Remembers what will be stored of a job. */
export function keepDraft(job: Job, draft: NewJob): void {
  drafts.set(job, draft);
}

/** Stores a job that is not stored yet, with changes; `false` if it is stored already. */
export async function saveDraft(
  store: JobStore,
  job: Job,
  changes: ReadonlyMap<JobField, RedisArg>,
): Promise<boolean> {
  const draft = drafts.get(job);
  if (draft === undefined) return false;
  const fields = new Map([...draft.fields, ...changes]);
  await create(store, { ...draft, fields });
  drafts.delete(job);
  return true;
}

/**
 * Stores a job, if it is not stored yet, and enqueues it. Reads it again, unless it is over by then and not kept. Gives the
 * id of the job that is there instead, if there is one.
 */
export async function enqueueJob(
  store: JobStore,
  job: Job,
  options: EnqueueJobOptions & { queue: string; timeout: number },
): Promise<string | undefined> {
  const { id } = job;
  const { queue, timeout, ...given } = options;
  refuseUnknown(given, OPTIONS, `Cannot enqueue job "${id}"`);
  await job.save();
  const { atFront = false } = given;
  const resend = job.resultTtl !== 0;
  const answer = await enqueueCreated(store, id, {
    ...{ queue, timeout, atFront, resend },
  });
  if ("outcome" in answer) {
    if (answer.outcome === "gone") throw noSuchJob(id);
    throw new InvalidJobOperationError(
      `Cannot enqueue job "${id}": it is ${answer.status}, expected one that has been created and not enqueued`,
      { jobId: id, status: answer.status },
    );
  }
  if (answer.existing !== undefined) return answer.existing;
  try {
    await job.refresh();
  } catch (error) {
    if (!(error instanceof NoSuchJobError)) throw error;
  }
  return undefined;
}
