/**
 * What changes a job: the calls behind `job.cancel()`, `job.requeue()` and their like.
 *
 * @module
 */

import { DuplicateJobError, InvalidJobOperationError } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import type { JobField } from "../job/fields.ts";
import { type Meta, readPatch } from "../job/meta.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { JobStore } from "../store/job_store.ts";
import { mergeMeta } from "../store/merge_meta.ts";
import { noSuchJob } from "./wait.ts";

/** Options of {@linkcode Job.requeue}. */
export interface RequeueOptions {
  /**
   * Puts the job at the head of its queue.
   *
   * @default false
   */
  readonly atFront?: boolean;
}

/** Options of {@linkcode Job.cancel}. */
export interface CancelOptions {
  /**
   * Lets the jobs that wait for it go on without it, whatever becomes of them if a parent fails.
   *
   * @default false
   */
  readonly enqueueDependents?: boolean;
  /**
   * Takes it off the lists of the jobs that it waits for.
   *
   * @default false
   */
  readonly removeFromDependencies?: boolean;
}

/** Options of {@linkcode Job.delete}. */
export interface DeleteOptions {
  /**
   * Deletes the jobs that wait for it, too. Those that wait for these go on or end as if one had been deleted.
   *
   * @default false
   */
  readonly deleteDependents?: boolean;
}

const REQUEUE_OPTIONS = optionNames<RequeueOptions>({ atFront: true });

const CANCEL_OPTIONS = optionNames<CancelOptions>({
  enqueueDependents: true,
  removeFromDependencies: true,
});

const DELETE_OPTIONS = optionNames<DeleteOptions>({ deleteDependents: true });

/** See {@linkcode Job.cancel}. */
export async function cancelJob(
  store: JobStore,
  id: string,
  options: CancelOptions,
): Promise<void> {
  refuseUnknown(options, CANCEL_OPTIONS, `Cannot cancel job "${id}"`);
  const { done, gone } = await store.cancel(id, options);
  if (gone) throw noSuchJob(id);
  if (!done) {
    throw new InvalidJobOperationError(
      `Cannot cancel job "${id}": it is canceled already`,
      { jobId: id, status: "canceled" },
    );
  }
}

/** See {@linkcode Job.delete}. */
export async function deleteJob(
  store: JobStore,
  id: string,
  options: DeleteOptions,
): Promise<boolean> {
  refuseUnknown(options, DELETE_OPTIONS, `Cannot delete job "${id}"`);
  return await store.delete(id, options.deleteDependents);
}

/** See {@linkcode Job.requeue}. */
export async function requeueJob(
  store: JobStore,
  id: string,
  options: RequeueOptions,
): Promise<void> {
  refuseUnknown(options, REQUEUE_OPTIONS, `Cannot requeue job "${id}"`);
  const { atFront = false } = options;
  const { done, gone, status, holder } = await store.requeue(id, atFront);
  if (gone) throw noSuchJob(id);
  if (holder !== undefined) {
    throw new DuplicateJobError(
      `Cannot requeue job "${id}": its unique key "${holder.uniqueKey}" is held by job "${holder.jobId}" by now`,
      holder,
    );
  }
  if (!done) {
    throw new InvalidJobOperationError(
      `Cannot requeue job "${id}": it is ${status}, not failed`,
      { jobId: id, status },
    );
  }
}

/** See {@linkcode Job.setMeta}. Returns `meta` as stored; `known` is what it was when it was read. */
export async function setMeta(
  store: JobStore,
  id: string,
  patch: Readonly<Meta>,
  known: Uint8Array | undefined,
): Promise<Uint8Array> {
  const merged = await mergeMeta(store, id, readPatch(patch), { known });
  if (merged === "gone" || merged === "lost") throw noSuchJob(id);
  return merged;
}

/**
 * Writes fields of a job's hash.
 *
 * @throws {NoSuchJobError} If the job is gone.
 */
export async function writeFields(
  store: JobStore,
  id: string,
  fields: ReadonlyMap<JobField, RedisArg>,
): Promise<void> {
  if (!(await store.setFields(id, fields))) throw noSuchJob(id);
}
