/**
 * A queue of the public API, as it lies in Redis.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkQueueName } from "../job/names.ts";
import { checkTag } from "../job/tags.ts";
import type { Connection } from "../store/connection.ts";
import { pausedUntil, pauseQueue, resumeQueue } from "../store/pauses.ts";
import {
  type ClearableJobRegistry,
  newClearable,
  newRequeueable,
  type RequeueableJobRegistry,
} from "./acting_registries.ts";
import type { Context } from "./context.ts";
import { contextFor } from "./stand_in.ts";
import type { BulkResult } from "./bulk.ts";
import { type Job, newJob } from "./job.ts";
import type { JobFilter } from "./job_filter.ts";
import {
  type ChangeAllOptions,
  type JobRegistry,
  newRegistry,
} from "./job_registry.ts";
import { jobsByTag } from "./jobs_by_tag.ts";
import { type PauseOptions, pauseSeconds } from "./suspension.ts";
import { changeWaiting, waitingJobs } from "./waiting_jobs.ts";
import type { WatchOptions } from "./watch_options.ts";
import { type QueueEvent, watchQueues } from "./watch_queue.ts";

const DELETE_OPTIONS = optionNames<{ deleteJobs: true }>({ deleteJobs: true });

/** The context of a queue. Internal to this folder. */
export let contextOf: (queue: StoredQueue) => Context;

/** Gives a queue the context of others, which each of them can close. Internal to this folder. */
export let shareContext: (queue: StoredQueue, context: Context) => void;

/** What is on a queue, and what can be done to the queue as a whole. It is made as a {@linkcode Queue}. */
export abstract class StoredQueue implements AsyncDisposable {
  /** The queue's name. */
  readonly name: string;
  #own: Context;

  static {
    contextOf = (queue) => queue.#context;
    shareContext = (queue, context) => queue.#own = context;
  }

  /** Internal. Use the constructor of {@linkcode Queue}. */
  protected constructor(name: string, context: unknown) {
    this.name = checkQueueName(name);
    this.#own = context as Context;
  }

  get #context(): Context {
    return contextFor(this, this.#own);
  }

  /** The connection, which other queues, jobs and workers can share. */
  get connection(): Connection {
    return this.#own.client;
  }

  /** Its jobs that run. */
  get startedJobRegistry(): JobRegistry {
    return newRegistry(this.name, "wip", () => this.#context);
  }
  /** Its jobs that have finished, as long as their results are kept. */
  get finishedJobRegistry(): RequeueableJobRegistry {
    return newRequeueable(this.name, "finished", () => this.#context);
  }
  /** Its jobs that have failed or were stopped. */
  get failedJobRegistry(): RequeueableJobRegistry {
    return newRequeueable(this.name, "failed", () => this.#context);
  }
  /** Its jobs that wait for others. */
  get deferredJobRegistry(): ClearableJobRegistry {
    return newClearable(this.name, "deferred", () => this.#context);
  }
  /** Its jobs that are not due yet. */
  get scheduledJobRegistry(): RequeueableJobRegistry {
    return newRequeueable(this.name, "scheduled", () => this.#context);
  }
  /** Its jobs that were canceled. */
  get canceledJobRegistry(): RequeueableJobRegistry {
    return newRequeueable(this.name, "canceled", () => this.#context);
  }

  /** How many jobs are waiting, those included that wait for the turn of their fair key. */
  count(): Promise<number> {
    return this.#context.store.count(this.name);
  }

  /** Whether no job is waiting. */
  async isEmpty(): Promise<boolean> {
    return await this.count() === 0;
  }

  /**
   * Ids of waiting jobs, the next one first; all of them by default. Those that wait for the turn of their fair key come
   * behind all others, in turns.
   */
  jobIds(offset = 0, length = -1): Promise<string[]> {
    return this.#context.store.jobIds(this.name, offset, length);
  }

  /**
   * Waiting jobs, as far as a filter means them, the next one first; then those that wait for the turn of their fair key, key
   * by key; then those that wait for a slot of their rate limit. They are read in pages. Jobs that come, leave or move
   * meanwhile may be missing.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   *
   * @example
   * ```ts ignore
   * for await (const job of queue.jobs({ func: send })) console.log(job.id, job.args);
   * ```
   */
  jobs(filter: JobFilter = {}): AsyncIterableIterator<Job> {
    return waitingJobs(this.#context, this.name, filter);
  }

  /**
   * Cancels all waiting jobs, or those that a filter means: they will not run, but are still stored, as `canceled`.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   */
  cancelAll(options: ChangeAllOptions = {}): Promise<BulkResult> {
    return changeWaiting(this.#context, this.name, "cancel", options);
  }

  /**
   * Deletes all waiting jobs, or those that a filter means, with everything that is stored of them.
   * {@linkcode Queue.empty} is quicker where all are meant.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   */
  deleteAll(options: ChangeAllOptions = {}): Promise<BulkResult> {
    return changeWaiting(this.#context, this.name, "delete", options);
  }

  /** Fetches a job of this queue; `null` if there is none, or it belongs to another queue. */
  async fetchJob<R = unknown>(id: string): Promise<Job<R> | null> {
    const record = await this.#context.store.fetch(id);
    const mine = record !== null &&
      (record.text("origin") ?? this.name) === this.name;
    return mine ? newJob<R>(id, this.#context, () => record) : null;
  }

  /**
   * The jobs of this queue that were enqueued with a tag, in whatever state, in no particular order, each once. Jobs that
   * are enqueued meanwhile may be missing. They are read from Redis in pages.
   *
   * @example
   * ```ts ignore
   * for await (const job of queue.jobsByTag("customer-7")) await job.cancel();
   * ```
   */
  jobsByTag(tag: string): AsyncIterableIterator<Job> {
    return jobsByTag(this.#context, this.name, checkTag(tag));
  }

  /** Removes a job from the queue without deleting it, as in RQ; `false` if it was not waiting. */
  remove(job: Job | string): Promise<boolean> {
    const id = typeof job === "string" ? job : job.id;
    return this.#context.store.remove(this.name, id);
  }

  /**
   * Tells what happens to the jobs of this queue from now on, without end. What Python programs do is not told.
   *
   * @example
   * ```ts ignore
   * for await (const event of queue.watch({ signal })) {
   *   if (event.type === "status") console.log(event.jobId, event.status);
   * }
   * ```
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<QueueEvent> {
    return watchQueues(this.#context, [this.name], options);
  }

  /** The id of the job that holds a unique key of this queue, or `null` if it is free. */
  uniqueHolder(key: string): Promise<string | null> {
    return this.#context.store.uniqueHolder(this.name, key);
  }

  /**
   * Frees a unique key of this queue, so that the next job can take it. The job that holds it stays as it is.
   *
   * @returns Whether a job held it.
   */
  freeUnique(key: string): Promise<boolean> {
    return this.#context.store.freeUnique(this.name, key);
  }

  /**
   * Pauses the queue: from now on, no worker takes a job from it, until {@linkcode StoredQueue.resume} is called, or for the
   * time that is given. What runs goes on, and jobs can be enqueued. Python's workers know no paused queues; see
   * {@linkcode suspend}.
   */
  async pause(options: PauseOptions = {}): Promise<void> {
    const seconds = pauseSeconds(options, `Cannot pause queue "${this.name}"`);
    await pauseQueue(this.#context.store, this.name, seconds);
  }

  /** Ends a pause: workers look at the queue again within a second. `false` if it was not paused. */
  resume(): Promise<boolean> {
    return resumeQueue(this.#context.store, this.name);
  }

  /** Whether the queue is paused. */
  async isPaused(): Promise<boolean> {
    const [until] = await pausedUntil(this.#context.store, [this.name]);
    return until !== null;
  }

  /** Deletes every waiting job and returns how many. */
  empty(): Promise<number> {
    return this.#context.store.empty(this.name);
  }

  /** Deletes the queue, and its waiting jobs unless `deleteJobs` is `false`. */
  async delete(options: { readonly deleteJobs?: boolean } = {}): Promise<void> {
    refuseUnknown(
      options,
      DELETE_OPTIONS,
      `Cannot delete queue "${this.name}"`,
    );
    if (options.deleteJobs ?? true) await this.empty();
    await this.#context.store.deleteQueue(this.name);
  }

  /** Closes the connection, unless `connection` was an open one. */
  close(): Promise<void> {
    return this.#own.close();
  }

  /** The same as {@linkcode Queue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
