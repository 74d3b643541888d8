/**
 * A job of the public API, as it lies in Redis.
 *
 * @module
 */

import type { JobRecord } from "../job/record.ts";
import {
  decodeFailure,
  decodeResult,
  failureOf,
  isFailure,
  isSuccess,
} from "../job/result_codec.ts";
import { type JobStatus, statusOfText } from "../job/status.ts";
import type { LogLine } from "../store/log_lines.ts";
import { positionOf } from "../store/position.ts";
import { dependenciesAreMet, dependentIds } from "../store/related_jobs.ts";
import { countResults, deleteResults } from "../store/results.ts";
import type { Context } from "./context.ts";
import { explainJob } from "./explain_job.ts";
import type { JobExplanation } from "./job_reason.ts";
import { type Execution, readExecutions } from "./executions.ts";
import { JobSnapshot } from "./job_snapshot.ts";
import { JobStream, type StreamOptions } from "./job_stream.ts";
import { streamResponse } from "./stream_response.ts";
import { jobLogs, type LogsOptions } from "./job_logs.ts";
import { latestResultOf, type Result, resultsOf } from "./result.ts";
import { waitForResult, type WaitOptions } from "./wait.ts";
import { type JobEvent, watchJob } from "./watch_job.ts";
import type { WatchOptions } from "./watch_options.ts";

/** The context of a job. Internal to this folder. */
export let contextOfJob: (job: StoredJob) => Context;

/** What can be asked about a job now. It is made as a {@linkcode Job}. */
export abstract class StoredJob<R = unknown> extends JobSnapshot {
  readonly #context: Context;

  static {
    contextOfJob = (job) => job.#context;
  }

  /** Internal. Use {@linkcode Queue.enqueue} or {@linkcode Job.fetch}. */
  protected constructor(
    id: string,
    given: unknown,
    read: unknown,
    isNew: boolean,
  ) {
    const context = given as Context;
    super(id, read as () => JobRecord, { isNew, bigInts: context.bigInts });
    this.#context = context;
  }

  /**
   * Why the job does not run: its queue is paused, no worker serves it, others are before it, its rate limit or a job that it
   * depends on holds it back, it is not due, … Asking changes nothing.
   *
   * @throws {NoSuchJobError} If it is gone.
   *
   * @example
   * ```ts ignore
   * console.log((await job.explain()).text); // queued: no worker serves queue "low"; 3 jobs are before it …
   * ```
   */
  async explain(): Promise<JobExplanation> {
    return await explainJob(this.#context.store, this.id);
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
   * How the job's attempts ended, the latest first. At least the last ten are kept, as long as the latest result or failure is.
   *
   * @example
   * ```ts ignore
   * for (const { attempt, type, excString } of await job.results()) {
   *   console.log(attempt, type, excString?.split("\n")[0]);
   * }
   * ```
   */
  async results(): Promise<Result<R>[]> {
    return await resultsOf(this.#context, this.id) as Result<R>[];
  }

  /** How the job's latest attempt ended, or `null` if none has. */
  async latestResult(): Promise<Result<R> | null> {
    return await latestResultOf(this.#context, this.id) as Result<R> | null;
  }

  /** How many results there are; RQ's `Result.count()`. */
  resultCount(): Promise<number> {
    return countResults(this.#context.store, this.id);
  }

  /** Deletes all results; RQ's `Result.delete_all()`. The job stays as it is. */
  deleteResults(): Promise<void> {
    return deleteResults(this.#context.store, this.id);
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
   * Tells what happens to the job, beginning with its status and its log as they are now, until it has ended. A status that a Python program writes is
   * told up to a second later, and may be passed over if it does not last.
   *
   * @example
   * ```ts ignore
   * for await (const event of job.watch()) {
   *   if (event.type === "progress") console.log(event.value, event.note);
   *   else if (event.type === "log") console.log(event.text);
   *   else console.log(event.status); // "queued", "started", "finished"
   * }
   * ```
   *
   * @throws {NoSuchJobError} If it is gone from the beginning.
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<JobEvent> {
    const { id, origin } = this;
    return watchJob(this.#context, { id, queue: origin }, options);
  }

  /**
   * What the job yields, if its function is a generator: from the first part on, or from where an earlier reading has come to,
   * until the job has ended. Any number may read, during the run and as long as the result is kept.
   *
   * @example
   * ```ts ignore
   * for await (const part of job.stream<string>()) console.log(part);
   * ```
   *
   * The iteration throws what {@linkcode Job.wait} throws if the job does not finish, and an `Error` if it begins anew in the
   * middle, unless `onRestart` is given.
   *
   * @throws {RangeError} If `from` is no position.
   */
  stream<P = unknown>(options: StreamOptions = {}): JobStream<P> {
    return new JobStream<P>(this.#context, this.id, options);
  }

  /**
   * The same as a response of server-sent events, which a browser reads by `EventSource`: a message for each part, with its
   * position as the id, and `end`, `failed` or `restart` as events of these names.
   *
   * @example
   * ```ts ignore
   * Deno.serve((request) =>
   *   job.streamResponse({ from: request.headers.get("last-event-id") })
   * );
   * ```
   */
  streamResponse(options: Pick<StreamOptions, "from"> = {}): Response {
    return streamResponse(this.#context, this.id, options);
  }

  /**
   * The job's log: what it has logged by `currentJob.log()`, and if its worker keeps that (`captureLogs`), what it has printed.
   * If there was too much, the first lines are missing.
   *
   * @example
   * ```ts ignore
   * for await (const { text } of job.logs({ follow: true })) console.log(text);
   * ```
   *
   * @throws {NoSuchJobError} If the job is gone.
   */
  logs(options: LogsOptions = {}): AsyncIterableIterator<LogLine> {
    const { id, origin } = this;
    return jobLogs(this.#context, { id, queue: origin }, options);
  }

  /** Its runs that have not ended: one while it is `started`, else none; Python workers may have left others. */
  executions(): Promise<Execution[]> {
    return readExecutions(this.#context, this.id);
  }

  /** How many jobs are before it on its queue; `null` if it is not there. */
  position(): Promise<number | null> {
    return positionOf(this.#context.store, this.origin, this.id);
  }

  /** The ids of the jobs that wait for it, in no particular order. */
  async dependentIds(): Promise<string[]> {
    const ids: string[] = [];
    for await (const page of dependentIds(this.#context.store, this.id)) {
      for (const id of page) ids.push(id);
    }
    return ids;
  }

  /**
   * Whether it waits for no other job: those that it depends on have finished, or have ended in a way that its
   * `dependency()` takes for that, or are gone.
   */
  dependenciesAreMet(): Promise<boolean> {
    return dependenciesAreMet(this.#context.store, this.id);
  }
}
