/**
 * RQ's functions that change a job of which only the id is known.
 *
 * @module
 */

import { checkJobId } from "../job/names.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import type { JobStore } from "../store/job_store.ts";
import {
  cancelJob as cancel,
  type CancelOptions,
  deleteJob as remove,
  type DeleteOptions,
  requeueJob as requeue,
  type RequeueOptions,
} from "./change_job.ts";
import { withContext } from "./context.ts";
import { openJobContext } from "./stand_in.ts";

/**
 * Cancels a job without fetching it; see {@linkcode Job.cancel}.
 *
 * @throws {InvalidJobOperationError} If it is canceled already.
 * @throws {NoSuchJobError} If there is none with this id.
 */
export async function cancelJob(
  id: string,
  options: CancelOptions & ConnectionOptions = {},
): Promise<void> {
  await change(id, options, cancel);
}

/**
 * Puts a failed or stopped job back on its queue without fetching it; see {@linkcode Job.requeue}.
 *
 * @throws {InvalidJobOperationError} If it has not failed.
 * @throws {DuplicateJobError} If another job has its unique key by now.
 * @throws {NoSuchJobError} If there is none with this id.
 */
export async function requeueJob(
  id: string,
  options: RequeueOptions & ConnectionOptions = {},
): Promise<void> {
  await change(id, options, requeue);
}

/**
 * Deletes a job without fetching it; see {@linkcode Job.delete}.
 *
 * @returns Whether there was anything to delete.
 */
export async function deleteJob(
  id: string,
  options: DeleteOptions & ConnectionOptions = {},
): Promise<boolean> {
  return await change(id, options, remove);
}

/** Connects, and has a change made with those options that are not of the connection. */
async function change<T>(
  id: string,
  options: ConnectionOptions,
  make: (store: JobStore, id: string, wishes: object) => Promise<T>,
): Promise<T> {
  checkJobId(id);
  const those = (ofConnection: boolean) =>
    Object.fromEntries(
      Object.entries(options)
        .filter(([name]) => name in CONNECTION_OPTIONS === ofConnection),
    );
  const action = `Cannot change job "${id}"`;
  return await withContext(
    openJobContext(those(true), action),
    ({ store }) => make(store, id, those(false)),
  );
}
