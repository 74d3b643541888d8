/**
 * The `Job` of the public API.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import type { JobField } from "../job/fields.ts";
import { encodeJson } from "../job/json.ts";
import { readMeta } from "../job/meta.ts";
import { checkJobId } from "../job/names.ts";
import type { JobRecord } from "../job/record.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import { chunks } from "../store/chunks.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import { dependentIds } from "../store/related_jobs.ts";
import {
  cancelJob,
  type CancelOptions,
  deleteJob,
  type DeleteOptions,
  requeueJob,
  type RequeueOptions,
  setMeta,
  writeFields,
} from "./change_job.ts";
import type { Context } from "./context.ts";
import { openJobContext } from "./stand_in.ts";
import { saveDraft } from "./created_job.ts";
import { shownRecord, showRecord } from "./job_snapshot.ts";
import { signalJob } from "./signal_job.ts";
import { contextOfJob, StoredJob } from "./stored_job.ts";
import { stopJob, type StopOptions } from "./stop_job.ts";
import { noSuchJob } from "./wait.ts";

/** How many jobs are fetched at once. */
const PAGE = 200;

/** Creates a job. Internal to this folder: the public constructor is private, since its parameters are internal. */
export let newJob: <R = unknown>(
  id: string,
  context: Context,
  read: () => JobRecord,
  options?: { ownsContext?: boolean; isNew?: boolean },
) => Job<R>;

/**
 * A job: a call of a function, and what became of it. The properties show
 * the job as it was last read; {@linkcode Job.refresh} reads it again.
 *
 * @example
 * ```ts ignore
 * const job = await queue.enqueue("jobs.mail.send", "yangyi");
 * console.log(job.id, await job.getStatus());
 * console.log(await job.wait({ timeout: 10 }));
 * ```
 */
export class Job<R = unknown> extends StoredJob<R> implements AsyncDisposable {
  readonly #ownsContext: boolean;
  #meta: Record<string, unknown> | undefined;
  /** `meta` as `setMeta()` has stored it since the job was read. */
  #stored: Uint8Array | undefined;
  readonly #changed = new Map<JobField, RedisArg>();

  static {
    newJob = (id, context, read, options) =>
      new Job(id, context, read, options);
  }

  /** Use {@linkcode Queue.enqueue} or {@linkcode Job.fetch}. */
  private constructor(
    id: string,
    context: Context,
    read: () => JobRecord,
    { ownsContext = false, isNew = false } = {},
  ) {
    super(id, context, read, isNew);
    this.#ownsContext = ownsContext;
  }

  get #context(): Context {
    return contextOfJob(this);
  }

  /**
   * Fetches the job with an id. Unless `connection` is an open one, the job opens its own: {@linkcode Job.close} it.
   *
   * @throws {NoSuchJobError} If there is none.
   */
  static async fetch<R = unknown>(
    id: string,
    options: ConnectionOptions = {},
  ): Promise<Job<R>> {
    const context = openJobContext(options, `Cannot fetch job "${id}"`);
    try {
      const record = await context.store.fetch(checkJobId(id));
      if (record !== null) {
        return newJob(id, context, () => record, { ownsContext: true });
      }
    } catch (error) {
      await context.close();
      throw error;
    }
    await context.close();
    throw noSuchJob(id);
  }

  /** Fetches several jobs; `null` for ids that do not exist. They share one connection, which each of them can close. */
  static async fetchMany<R = unknown>(
    ids: readonly string[],
    options: ConnectionOptions = {},
  ): Promise<(Job<R> | null)[]> {
    const context = openJobContext(options, "Cannot fetch jobs");
    try {
      const records = await Promise.all(
        ids.map((id) => context.store.fetch(checkJobId(id))),
      );
      if (records.every((record) => record === null)) await context.close();
      return records.map((record) =>
        record &&
        newJob<R>(record.id, context, () => record, { ownsContext: true })
      );
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  /** Whether there is a job with this id. */
  static async exists(
    id: string,
    options: ConnectionOptions = {},
  ): Promise<boolean> {
    const context = openJobContext(options, `Cannot look for job "${id}"`);
    try {
      return await context.store.exists(checkJobId(id));
    } finally {
      await context.close();
    }
  }

  /**
   * Free data. Change it and call {@linkcode Job.saveMeta}. An integer that a JavaScript number cannot hold
   * is always a BigInt here, whatever `bigInts` says, so that saving it loses nothing.
   */
  get meta(): Record<string, unknown> {
    const stored = this.#stored && readMeta(this.#stored);
    return this.#meta ??= stored ?? shownRecord(this).meta;
  }
  /** Replaces {@linkcode Job.meta}; stored by {@linkcode Job.saveMeta} or {@linkcode Job.save}. */
  set meta(meta: Record<string, unknown>) {
    this.#meta = meta;
  }

  /**
   * Merges a patch into {@linkcode Job.meta} and stores it at once: a key whose value is `undefined` is removed, other keys
   * stay. However many do so at the same time, here, in Python or in the job itself, no change is lost; only
   * `saveMeta()` overwrites all. Changes of `meta` that were not saved yet are dropped.
   *
   * @throws {NoSuchJobError} If the job is gone.
   * @throws {TypeError} If JSON cannot represent the patch, or another serializer wrote `meta`.
   */
  async setMeta(patch: Readonly<Record<string, unknown>>): Promise<void> {
    const known = this.#stored ?? shownRecord(this).fields.get("meta");
    const { store } = this.#context;
    this.#stored = await setMeta(store, this.id, patch, known);
    this.#meta = undefined;
  }

  /** Sets what log lines show; stored by {@linkcode Job.save}. */
  setDescription(description: string): void {
    this.#changed.set("description", description);
  }
  /** Sets the longest run; stored by {@linkcode Job.save}. */
  setTimeout(timeout: Duration): void {
    const seconds = parseDuration(timeout, "timeout", { unlimited: true });
    this.#changed.set("timeout", seconds);
  }
  /** Sets how long the result is kept; stored by {@linkcode Job.save}. */
  setResultTtl(ttl: Duration): void {
    const allow = { zero: true, unlimited: true };
    this.#changed.set("result_ttl", parseDuration(ttl, "resultTtl", allow));
  }

  /**
   * The jobs that it was told to wait for, in their order, without those that are gone; RQ's `fetch_dependencies()`. They
   * are read from Redis in pages.
   */
  async *dependencies(): AsyncGenerator<Job> {
    for (const ids of chunks(this.dependencyIds, PAGE)) {
      yield* this.#fetchAll(ids);
    }
  }

  /**
   * The jobs that wait for it, in no particular order, without those that are gone. They are read from Redis in pages.
   *
   * @example
   * ```ts ignore
   * for await (const job of parent.dependents()) console.log(job.id, job.status);
   * ```
   */
  async *dependents(): AsyncGenerator<Job> {
    for await (const ids of dependentIds(this.#context.store, this.id)) {
      yield* this.#fetchAll(ids);
    }
  }

  async *#fetchAll(ids: readonly string[]): AsyncGenerator<Job> {
    const { store } = this.#context;
    const records = await Promise.all(ids.map((id) => store.fetch(id)));
    for (const record of records) {
      if (record === null) continue;
      yield newJob(record.id, this.#context, () => record);
    }
  }

  /**
   * Reads the job again.
   *
   * @throws {NoSuchJobError} If it is gone.
   */
  async refresh(): Promise<void> {
    const record = await this.#context.store.fetch(this.id);
    if (record === null) throw noSuchJob(this.id);
    showRecord(this, record);
    this.#meta = this.#stored = undefined;
  }

  /**
   * Cancels the job: it leaves its queue; if it is running, it is stopped. It will not run, but is still stored, as
   * `canceled`. (A job that a Python worker is running ends as `stopped`.) Jobs that wait for it stay deferred, go on or
   * end, as their `dependency()` says.
   *
   * @throws {InvalidJobOperationError} If it is canceled already.
   * @throws {NoSuchJobError} If it is gone.
   */
  async cancel(options: CancelOptions = {}): Promise<void> {
    await cancelJob(this.#context.store, this.id, options);
  }

  /**
   * Stops the job's run, with all processes that it has started, and resolves when it has stopped: the job is then `stopped`,
   * keeps its retries, and can be requeued. Its worker is told at once, and if that gets lost, by its next heartbeat. A job
   * whose worker has died is stopped all the same. One that finishes first is not.
   *
   * @throws {InvalidJobOperationError} If it is not running, or has ended otherwise before it was stopped.
   * @throws {NoSuchJobError} If it is gone.
   * @throws {DOMException} `TimeoutError` after `timeout`; it is still going to be stopped.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    await stopJob(this.#context, this.id, options);
  }

  /**
   * Deletes the job and its results. If it is running, it is stopped. Jobs that wait for it stay deferred, go on or end,
   * as their `dependency()` says.
   *
   * @returns Whether there was anything to delete.
   */
  async delete(options: DeleteOptions = {}): Promise<boolean> {
    return await deleteJob(this.#context.store, this.id, options);
  }

  /**
   * Puts a failed or stopped job back on its queue.
   *
   * @throws {InvalidJobOperationError} If it has not failed.
   * @throws {DuplicateJobError} If another job has its unique key by now.
   * @throws {NoSuchJobError} If it is gone.
   */
  async requeue(options: RequeueOptions = {}): Promise<void> {
    await requeueJob(this.#context.store, this.id, options);
  }

  /**
   * Gives the job a signal, for which it waits by `currentJob.waitFor()`, now or later. The first signal of a name counts.
   *
   * @param value A JSON value, which the job gets.
   * @returns Whether it counts: not if the job has one of this name, or has waited for it in vain.
   * @throws {InvalidJobOperationError} If it has finished or is canceled.
   * @throws {NoSuchJobError} If it is gone.
   * @throws {TypeError} If JSON cannot represent the value.
   */
  async signal(name: string, value?: unknown): Promise<boolean> {
    return await signalJob(this.#context, this.id, name, value);
  }

  /**
   * Stores description, timeout, resultTtl and {@linkcode Job.meta}, as far as they were set; a job of
   * {@linkcode Queue.createJob} as a whole.
   *
   * @throws {NoSuchJobError} If the job is gone.
   * @throws {DuplicateJobError} If it was not stored before, and its id is taken by a job that has not ended.
   */
  async save(): Promise<void> {
    const fields = new Map(this.#changed);
    if (this.#meta !== undefined) {
      fields.set("meta", encodeJson(this.#meta, "meta", { bigInts: true }));
    }
    const { store } = this.#context;
    if (!await saveDraft(store, this, fields)) {
      if (fields.size === 0) return;
      await writeFields(store, this.id, fields);
    }
    this.#changed.clear();
    await this.refresh();
  }

  /**
   * Stores {@linkcode Job.meta} as a whole; the last writer wins, as in RQ.
   *
   * @throws {NoSuchJobError} If the job is gone.
   * @throws {TypeError} If JSON cannot represent it.
   */
  async saveMeta(): Promise<void> {
    const text = encodeJson(this.meta, "meta", { bigInts: true });
    const fields = new Map([["meta", text] as const]);
    await writeFields(this.#context.store, this.id, fields);
  }

  /** Closes the connection that {@linkcode Job.fetch} has opened for this job; does nothing if it has opened none. */
  async close(): Promise<void> {
    if (this.#ownsContext) await this.#context.close();
  }

  /** The same as {@linkcode Job.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
