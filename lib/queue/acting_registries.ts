/** Registries whose jobs can be removed, deleted or put back on the queue. @module */

import { DuplicateJobError, InvalidJobOperationError } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { ReplyError } from "../redis/redis_client.ts";
import { deleteMany, requeueMany } from "../store/bulk.ts";
import { removeFromRegistry } from "../store/registries.ts";
import { type BulkResult, deleteAll, requeueAll } from "./bulk.ts";
import type { RequeueOptions } from "./change_job.ts";
import type { Context } from "./context.ts";
import type { Job } from "./job.ts";
import { checkFilter, FILTER_OPTIONS } from "./job_filter.ts";
import {
  CHANGE_ALL_OPTIONS,
  type ChangeAllOptions,
  idOf,
  JobRegistry,
  sourceOf,
  type VisibleRegistry,
} from "./job_registry.ts";
import { noSuchJob } from "./wait.ts";

/** Options of {@linkcode ClearableJobRegistry.remove}. */
export interface RemoveOptions {
  /**
   * Deletes the job.
   *
   * @default false
   */
  readonly deleteJob?: boolean;
}

/** Options of {@linkcode RequeueableJobRegistry.requeueAll}. */
export interface RequeueAllOptions extends ChangeAllOptions, RequeueOptions {}

const REMOVE_OPTIONS = optionNames<RemoveOptions>({ deleteJob: true });

const REQUEUE_OPTIONS = optionNames<RequeueOptions>({ atFront: true });

const REQUEUE_ALL_OPTIONS = optionNames<RequeueAllOptions>({
  ...FILTER_OPTIONS,
  signal: true,
  onProgress: true,
  atFront: true,
});

/** Makes a registry of jobs that cannot be requeued. Internal to this folder. */
export let newClearable: (
  queue: string,
  name: VisibleRegistry,
  context: () => Context,
) => ClearableJobRegistry;

/** Makes a registry of jobs that can be requeued. Internal to this folder. */
export let newRequeueable: (
  queue: string,
  name: VisibleRegistry,
  context: () => Context,
) => RequeueableJobRegistry;

/** A registry of jobs that do not run, such as `queue.deferredJobRegistry`. */
export class ClearableJobRegistry extends JobRegistry {
  static {
    newClearable = (queue, name, context) =>
      new ClearableJobRegistry(queue, name, context);
  }

  /**
   * Takes a job off the registry, as in RQ. The job itself stays as it is, with nobody who runs it; delete it with
   * `deleteJob`, or use {@linkcode Job.cancel} or {@linkcode Job.requeue}.
   *
   * @returns Whether it was there.
   */
  async remove(
    job: Job | string,
    options: RemoveOptions = {},
  ): Promise<boolean> {
    const source = sourceOf(this);
    const { context: { store }, place } = source;
    const id = idOf(job);
    refuseUnknown(options, REMOVE_OPTIONS, `Cannot remove job "${id}"`);
    return options.deleteJob
      ? await deleteMany(store, source, [id]) > 0
      : await removeFromRegistry(store, place, id);
  }

  /**
   * Deletes all of its jobs, or those that a filter means, with everything that is stored of them. Jobs that wait for them
   * stay deferred, go on or end, as their `dependency()` says.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   *
   * @example
   * ```ts ignore
   * const weekAgo = new Date(Date.now() - 7 * 24 * 3600_000);
   * const { done } = await queue.failedJobRegistry.clear({ before: weekAgo });
   * ```
   */
  async clear(options: ChangeAllOptions = {}): Promise<BulkResult> {
    const source = sourceOf(this);
    const action = source.cannot("delete");
    const matcher = await checkFilter(options, action, CHANGE_ALL_OPTIONS)();
    return await deleteAll(source.context.store, source, matcher, options);
  }
}

/** A registry of jobs that have ended or are not due yet, such as `queue.failedJobRegistry`. */
export class RequeueableJobRegistry extends ClearableJobRegistry {
  static {
    newRequeueable = (queue, name, context) =>
      new RequeueableJobRegistry(queue, name, context);
  }

  /**
   * Puts a job back on its queue, as if it had just been enqueued. A scheduled one does not wait until it is due. One that
   * has finished begins with its first attempt; others go on with the next one, and behind the last step that they have done.
   *
   * @throws {InvalidJobOperationError} If it is not in this registry.
   * @throws {DuplicateJobError} If another job has its unique key by now.
   * @throws {NoSuchJobError} If it is gone.
   */
  async requeue(
    job: Job | string,
    options: RequeueOptions = {},
  ): Promise<void> {
    const source = sourceOf(this);
    const id = idOf(job);
    const action = `Cannot requeue job "${id}"`;
    refuseUnknown(options, REQUEUE_OPTIONS, action);
    const { atFront = false } = options;
    const run = { token: crypto.randomUUID(), call: 1, atFront };
    const [answer] = await requeueMany(
      source.context.store,
      source,
      [id],
      run,
    );
    const { what, detail, uniqueKey } = answer!;
    if (what === "gone") throw noSuchJob(id);
    if (what === "held") {
      throw new DuplicateJobError(
        `${action}: its unique key "${uniqueKey}" is held by job "${detail}" by now`,
        { jobId: detail, uniqueKey },
      );
    }
    if (what === "unfit") {
      throw new ReplyError(
        `WRONGTYPE ${action}: a key of its queue holds another type of value`,
      );
    }
    if (what === "requeued") return;
    const kind = source.statuses.join(" or ");
    throw new InvalidJobOperationError(
      `${action}: it is no ${kind} job of queue "${source.queue}", its status is ${detail}`,
      { jobId: id, status: detail },
    );
  }

  /**
   * Puts all of its jobs back on the queue, or those that a filter means, each once: one that fails again meanwhile stays
   * failed. With `atFront`, the last of them comes to be the next one.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   *
   * @example
   * ```ts ignore
   * const { done, complete } = await queue.failedJobRegistry.requeueAll({
   *   func: "jobs.mail.send",
   *   error: "ECONNREFUSED",
   *   signal: AbortSignal.timeout(60_000),
   *   onProgress: ({ looked, total }) => console.log(`${looked} of ${total}`),
   * });
   * ```
   */
  async requeueAll(options: RequeueAllOptions = {}): Promise<BulkResult> {
    const source = sourceOf(this);
    const action = source.cannot("requeue");
    const matcher = await checkFilter(options, action, REQUEUE_ALL_OPTIONS)();
    return await requeueAll(source.context.store, source, matcher, options);
  }
}
