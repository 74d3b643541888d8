/**
 * The `Job` of the public API.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { heldCall } from "../job/codec.ts";
import type { JobField } from "../job/fields.ts";
import { encodeJson } from "../job/json.ts";
import { checkJobId } from "../job/names.ts";
import type { DecidedBy, JobProgress, JobRecord } from "../job/record.ts";
import {
  decodeFailure,
  decodeResult,
  failureOf,
  isFailure,
  isSuccess,
} from "../job/result_codec.ts";
import { type JobStatus, statusOfText } from "../job/status.ts";
import { tagsOfText } from "../job/tags.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import {
  cancelJob,
  type CancelOptions,
  deleteJob,
  type DeleteOptions,
  requeueJob,
  type RequeueOptions,
  writeFields,
} from "./change_job.ts";
import { type Context, openContext } from "./context.ts";
import { saveDraft } from "./created_job.ts";
import { type JobDict, jobDict } from "./job_dict.ts";
import { noSuchJob, waitForResult, type WaitOptions } from "./wait.ts";

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
export class Job<R = unknown> implements AsyncDisposable {
  /** The job's id. */
  readonly id: string;
  /**
   * Whether the call that gave this job has made it: not if it was fetched, and not if its `unique` key was taken and
   * `ifTaken` is `skip` or `debounce`. Then this is the job that holds the key.
   */
  readonly isNew: boolean;
  readonly #context: Context;
  readonly #ownsContext: boolean;
  #read: () => JobRecord;
  #record: JobRecord | undefined;
  #meta: Record<string, unknown> | undefined;
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
    this.id = id;
    this.isNew = isNew;
    this.#context = context;
    this.#read = read;
    this.#ownsContext = ownsContext;
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
    const context = openContext(options, `Cannot fetch job "${id}"`);
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
    const context = openContext(options, "Cannot fetch jobs");
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
    const context = openContext(options, `Cannot look for job "${id}"`);
    try {
      return await context.store.exists(checkJobId(id));
    } finally {
      await context.close();
    }
  }

  get #data(): JobRecord {
    return this.#record ??= this.#read();
  }

  /** The job's id. The same as {@linkcode Job.id}, under RQ's name. */
  getId(): string {
    return this.id;
  }
  /** Whose job it is, if it was said; see `JobOptions.fairKey`. */
  get fairKey(): string | undefined {
    return this.#data.text("x_fair_key");
  }
  /** The name of its queue. */
  get origin(): string {
    return this.#data.text("origin") ?? "";
  }
  /** What log lines and dashboards show. */
  get description(): string {
    return this.#data.description;
  }
  /** The function reference, as stored. */
  get funcName(): string {
    return this.#data.call.funcName;
  }
  /** Positional arguments. */
  get args(): readonly unknown[] {
    return heldCall(this.#data.call, this.#context.bigInts).args;
  }
  /** Keyword arguments. */
  get kwargs(): Readonly<Record<string, unknown>> {
    return heldCall(this.#data.call, this.#context.bigInts).kwargs;
  }
  /** Longest run in seconds, `-1` for no limit. */
  get timeout(): number {
    return this.#data.timeout;
  }
  /** How many seconds the result is kept, or `null` for the worker's default. */
  get resultTtl(): number | null {
    return this.#data.integer("result_ttl") ?? null;
  }
  /** How many seconds the failed job is kept, or `null` for a year. */
  get failureTtl(): number | null {
    return this.#data.integer("failure_ttl") ?? null;
  }
  /** When it was created. */
  get createdAt(): Date | null {
    return this.#data.date("created_at");
  }
  /** When it was put on its queue; `null` while it is deferred. */
  get enqueuedAt(): Date | null {
    return this.#data.date("enqueued_at");
  }
  /** When its latest run began. */
  get startedAt(): Date | null {
    return this.#data.date("started_at");
  }
  /** When its latest run ended. */
  get endedAt(): Date | null {
    return this.#data.date("ended_at");
  }
  /** The worker that ran it last, or `null`. */
  get workerName(): string | null {
    return this.#data.text("worker_name") ?? null;
  }
  /** The id of its group, or `null`. */
  get groupId(): string | null {
    return this.#data.text("group_id") ?? null;
  }
  /** Ids of the jobs that it waits for. */
  get dependencyIds(): readonly string[] {
    return this.#data.dependencyIds;
  }
  /** Words that it can be found by; see {@linkcode Queue.jobsByTag}. */
  get tags(): readonly string[] {
    return tagsOfText(this.#data.text("x_tags"));
  }
  /** The parent because of which the job was failed or canceled without being run, and how that had ended; else `null`. */
  get decidedBy(): DecidedBy | null {
    return this.#data.decidedBy;
  }
  /**
   * Free data. Change it and call {@linkcode Job.saveMeta}. An integer that a JavaScript number cannot hold
   * is always a BigInt here, whatever `bigInts` says, so that saving it loses nothing.
   */
  get meta(): Record<string, unknown> {
    return this.#meta ??= this.#data.meta;
  }
  /** Replaces {@linkcode Job.meta}; stored by {@linkcode Job.saveMeta} or {@linkcode Job.save}. */
  set meta(meta: Record<string, unknown>) {
    this.#meta = meta;
  }

  /**
   * The progress that the job has reported by `currentJob.progress()`, or `undefined` if it has not.
   * {@linkcode Job.refresh} reads it again.
   */
  progress(): JobProgress | undefined {
    return this.#data.progress ?? undefined;
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

  /** The status as it is now, or `null` once the job is deleted or has expired. */
  async getStatus(): Promise<JobStatus | null> {
    const state = await this.#context.store.state(this.id);
    return state.exists ? statusOfText(state.status) : null;
  }

  /**
   * The value that the function returned, or `undefined` if there is none yet
   * or it returned nothing.
   *
   * @throws {RangeError} If it has a number that JavaScript cannot hold; see `bigInts`.
   */
  async result(): Promise<R | undefined> {
    const latest = await this.#context.store.latestResult(this.id);
    return latest !== null && isSuccess(latest)
      ? decodeResult(latest, this.#context) as R
      : undefined;
  }

  /** The stored text of the failure, including the stack, or `null`. */
  async excInfo(): Promise<string | null> {
    const latest = await this.#context.store.latestResult(this.id);
    if (latest !== null) {
      return isFailure(latest) ? decodeFailure(latest) : null;
    }
    const record = await this.#context.store.fetch(this.id);
    return record === null ? null : failureOf(record);
  }

  /**
   * Waits for the end of the job and returns its result. Redis wakes it up; it does not poll for results.
   *
   * @throws {JobFailedError} If the job fails or is stopped; `cause` is the job's own error.
   * @throws {InvalidJobOperationError} If the job is canceled.
   * @throws {NoSuchJobError} If the job is deleted, or keeps no result (`resultTtl` 0).
   * @throws {RangeError} If the result has a number that JavaScript cannot hold; see `bigInts`.
   * @throws {DOMException} `TimeoutError` after `timeout`.
   */
  async wait(options: WaitOptions = {}): Promise<R> {
    return await waitForResult(this.#context, this.id, options) as R;
  }

  /**
   * Reads the job again.
   *
   * @throws {NoSuchJobError} If it is gone.
   */
  async refresh(): Promise<void> {
    const record = await this.#context.store.fetch(this.id);
    if (record === null) throw noSuchJob(this.id);
    this.#record = record;
    this.#meta = undefined;
  }

  /**
   * The job under RQ's names of the fields (`rq.job.Job.to_dict`): unset ones are empty, `data` is JSON text, and
   * `progress` and `progress_note` are added if the job has reported progress.
   */
  toDict(): JobDict {
    return jobDict(this.#data);
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
