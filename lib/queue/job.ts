/**
 * A job as its producer holds it.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { InvalidJobOperationError } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { heldCall } from "../job/codec.ts";
import type { JobField } from "../job/fields.ts";
import { encodeJson } from "../job/json.ts";
import { checkJobId } from "../job/names.ts";
import type { JobProgress, JobRecord } from "../job/record.ts";
import {
  decodeFailure,
  decodeResult,
  failureOf,
  isFailure,
  isSuccess,
} from "../job/result_codec.ts";
import { type JobStatus, statusOfText } from "../job/status.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import { type Context, openContext } from "./context.ts";
import { type JobDict, jobDict } from "./job_dict.ts";
import { noSuchJob, waitForResult, type WaitOptions } from "./wait.ts";

/** Options of {@linkcode Job.requeue}. */
export interface RequeueOptions {
  /**
   * Puts the job at the head of its queue.
   *
   * @default false
   */
  readonly atFront?: boolean;
}

/** Makes a job; for this room alone, since what it takes is no user's. */
export let newJob: <R = unknown>(
  id: string,
  context: Context,
  read: () => JobRecord,
  ownsContext?: boolean,
) => Job<R>;

const REQUEUE_OPTIONS = optionNames<RequeueOptions>({ atFront: true });

/**
 * A job: a function, its arguments, and what became of them. The properties
 * are as of the last time that the job was read; {@linkcode Job.refresh} reads it again.
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
  readonly #context: Context;
  readonly #ownsContext: boolean;
  #read: () => JobRecord;
  #record: JobRecord | undefined;
  #meta: Record<string, unknown> | undefined;
  readonly #changed = new Map<JobField, RedisArg>();

  static {
    newJob = (id, context, read, owns) => new Job(id, context, read, owns);
  }

  /** Made by {@linkcode Queue.enqueue} and {@linkcode Job.fetch}. */
  private constructor(
    id: string,
    context: Context,
    read: () => JobRecord,
    ownsContext = false,
  ) {
    this.id = id;
    this.#context = context;
    this.#read = read;
    this.#ownsContext = ownsContext;
  }

  /**
   * The job of an id. Given a URL, the job makes a connection of its own: close
   * it with {@linkcode Job.close} or `await using`.
   *
   * @throws {NoSuchJobError} if there is none
   */
  static async fetch<R = unknown>(
    id: string,
    options: ConnectionOptions = {},
  ): Promise<Job<R>> {
    const context = openContext(options, `Cannot fetch job "${id}"`);
    try {
      const record = await context.store.fetch(checkJobId(id));
      if (record !== null) {
        return newJob(id, context, () => record, true);
      }
    } catch (error) {
      await context.close();
      throw error;
    }
    await context.close();
    throw noSuchJob(id);
  }

  /** The jobs of several ids, `null` for those that do not exist. They share one connection, closed by any of them. */
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
        newJob<R>(record.id, context, () => record, true)
      );
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  /** Whether a job of this id is stored. */
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

  /** The job's id, as RQ's method. */
  getId(): string {
    return this.id;
  }
  /** The name of the queue that it was put on. */
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
  /** Seconds that the result is kept, or `null` for the worker's default. */
  get resultTtl(): number | null {
    return this.#data.integer("result_ttl") ?? null;
  }
  /** Seconds that the failed job is kept, or `null` for a year. */
  get failureTtl(): number | null {
    return this.#data.integer("failure_ttl") ?? null;
  }
  /** When it was made. */
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
  /** Ids of the jobs that it waits for. */
  get dependencyIds(): readonly string[] {
    return this.#data.dependencyIds;
  }
  /**
   * Free data. Change it and call {@linkcode Job.saveMeta}. Nothing in it is lost: an integer that a number
   * cannot hold is a BigInt here, whether asked for or not.
   */
  get meta(): Record<string, unknown> {
    return this.#meta ??= this.#data.meta;
  }
  /** Replaces {@linkcode Job.meta}; stored by {@linkcode Job.saveMeta} or {@linkcode Job.save}. */
  set meta(meta: Record<string, unknown>) {
    this.#meta = meta;
  }

  /**
   * How far the job said that it is, by `currentJob.progress()`, or `undefined` where it said nothing.
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
   * The value that the function returned, or `undefined` while there is none
   * (and where it returned nothing).
   *
   * @throws {RangeError} if it has a number that JavaScript cannot hold; see `bigInts`
   */
  async result(): Promise<R | undefined> {
    const latest = await this.#context.store.latestResult(this.id);
    return latest !== null && isSuccess(latest)
      ? decodeResult(latest, this.#context) as R
      : undefined;
  }

  /** The stored text of the failure, stack included, or `null`. */
  async excInfo(): Promise<string | null> {
    const latest = await this.#context.store.latestResult(this.id);
    if (latest !== null) {
      return isFailure(latest) ? decodeFailure(latest) : null;
    }
    const record = await this.#context.store.fetch(this.id);
    return record === null ? null : failureOf(record);
  }

  /**
   * Waits for the end of the job and gives its result. It is woken by Redis, it does not poll.
   *
   * @throws {JobFailedError} if the job fails or is stopped; `cause` is the job's own error
   * @throws {InvalidJobOperationError} if the job is canceled
   * @throws {NoSuchJobError} if the job is deleted, or keeps no result (`resultTtl` 0)
   * @throws {RangeError} if the result has a number that JavaScript cannot hold; see `bigInts`
   * @throws {DOMException} `TimeoutError` after `timeout`
   */
  async wait(options: WaitOptions = {}): Promise<R> {
    return await waitForResult(this.#context, this.id, options) as R;
  }

  /**
   * Reads the job again.
   *
   * @throws {NoSuchJobError} if it is gone
   */
  async refresh(): Promise<void> {
    const record = await this.#context.store.fetch(this.id);
    if (record === null) throw noSuchJob(this.id);
    this.#record = record;
    this.#meta = undefined;
  }

  /** The job with RQ's names of the fields (`rq.job.Job.to_dict`), unset ones empty; `data` as JSON text; also `progress` and `progress_note` if the job said how far it is. */
  toDict(): JobDict {
    return jobDict(this.#data);
  }

  /**
   * Withdraws the job: it leaves its queue, and if it is running, it is stopped. It
   * can no longer be run, and stays to be looked at as `canceled` (a job that a Python
   * worker is running ends as `stopped`).
   *
   * @throws {InvalidJobOperationError} if it is canceled already
   * @throws {NoSuchJobError} if it is gone
   */
  async cancel(): Promise<void> {
    const { done, gone } = await this.#context.store.cancel(this.id);
    if (gone) throw noSuchJob(this.id);
    if (!done) {
      throw new InvalidJobOperationError(
        `Cannot cancel job "${this.id}": it is canceled already`,
        { jobId: this.id, status: "canceled" },
      );
    }
  }

  /**
   * Removes the job, its results included; if it is running, it is stopped.
   *
   * @returns whether there was anything to remove
   */
  delete(): Promise<boolean> {
    return this.#context.store.delete(this.id);
  }

  /**
   * Puts a failed or stopped job back on its queue.
   *
   * @throws {InvalidJobOperationError} if it has not failed
   * @throws {NoSuchJobError} if it is gone
   */
  async requeue(options: RequeueOptions = {}): Promise<void> {
    refuseUnknown(options, REQUEUE_OPTIONS, `Cannot requeue job "${this.id}"`);
    const { done, gone, detail } = await this.#context.store.requeue(
      this.id,
      options.atFront ?? false,
    );
    if (gone) throw noSuchJob(this.id);
    if (!done) {
      throw new InvalidJobOperationError(
        `Cannot requeue job "${this.id}": it is ${detail}, not failed`,
        { jobId: this.id, status: detail },
      );
    }
  }

  /**
   * Stores what was set: description, timeout, resultTtl and {@linkcode Job.meta}.
   *
   * @throws {NoSuchJobError} if the job is gone
   */
  async save(): Promise<void> {
    const fields = new Map(this.#changed);
    if (this.#meta !== undefined) {
      fields.set("meta", encodeJson(this.#meta, "meta", { bigInts: true }));
    }
    if (fields.size === 0) return;
    if (!(await this.#context.store.setFields(this.id, fields))) {
      throw noSuchJob(this.id);
    }
    this.#changed.clear();
    await this.refresh();
  }

  /**
   * Stores {@linkcode Job.meta} as a whole; the last writer wins, as in RQ.
   *
   * @throws {NoSuchJobError} if the job is gone
   * @throws {TypeError} if it cannot be JSON
   */
  async saveMeta(): Promise<void> {
    const text = encodeJson(this.meta, "meta", { bigInts: true });
    const fields = new Map([["meta", text] as const]);
    if (!(await this.#context.store.setFields(this.id, fields))) {
      throw noSuchJob(this.id);
    }
  }

  /** Closes the connection of a job that {@linkcode Job.fetch} has made one for; else does nothing. */
  async close(): Promise<void> {
    if (this.#ownsContext) await this.#context.close();
  }

  /** The same as {@linkcode Job.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
