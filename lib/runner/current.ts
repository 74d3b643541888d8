/**
 * The running job, as its own code sees it.
 *
 * ```ts ignore
 * import { currentJob } from "@deno-rq/rq/current";
 *
 * export async function importAll(files: string[]): Promise<number> {
 *   for (const [i, file] of files.entries()) {
 *     currentJob.signal.throwIfAborted();
 *     await currentJob.enqueue("jobs.files.importOne", file);
 *     await currentJob.progress((i + 1) / files.length, file);
 *   }
 *   await currentJob.setMeta({ imported: files.length });
 *   return files.length;
 * }
 * ```
 *
 * These calls go through the job's worker: to add jobs or store progress, the
 * subprocess needs no connection to Redis and no permission.
 *
 * @module
 */

import { createCurrentJob, CURRENT, type RunningJob } from "./current_job.ts";
import type { CallbackOptions } from "../job/callback.ts";
import type { DependsOn } from "../job/dependency.ts";
import type { JobOptions } from "../job/options.ts";
import type { JobStatus } from "../job/status.ts";
import type {
  CallArgs,
  JobFunction,
  PassedArgs,
  Stored,
  StoredArgs,
  StoredResultOf,
} from "../job/stored.ts";
import type { Duration } from "../base/duration.ts";

export type { Duration } from "../base/duration.ts";
export type {
  Callback,
  CallbackFunc,
  CallbackOptions,
  EndedJob,
  FailedJob,
  FinishedJob,
  StoppedJob,
} from "../job/callback.ts";
export {
  type Dependency,
  dependency,
  type DependencyOptions,
  type DependsOn,
  type IfParentFails,
  type JobOrId,
  type PassingDependency,
  type PassingDependsOn,
} from "../job/dependency.ts";
export type { Webhook, WebhookOptions, WebhookStatus } from "../job/webhook.ts";
export type { GroupOrId } from "../job/group.ts";
export type { JobOptions } from "../job/options.ts";
export type { ExceptionHandler, HookedJob, Middleware } from "./middleware.ts";
export type { JobStatus } from "../job/status.ts";
export type { Backoff, RetryOptions } from "../job/retry.ts";
export { DoNotRetry, Retry, type RetryRequest } from "./retry_errors.ts";
export type {
  ArgumentsByName,
  ArrivesAs,
  CallArgs,
  JobFunction,
  NamedArguments,
  NotJson,
  PassedArgs,
  PositionalArguments,
  StartOf,
  Stored,
  StoredArgs,
  StoredResultOf,
} from "../job/stored.ts";

/** The function of a follow-up job: a dotted path, a module and export, or an export of the job's own module. */
export type CurrentFunc<F extends JobFunction = JobFunction> = string | URL | F;

/** The argument of `enqueueCall()`: that of `Queue.enqueueCall()`, and the queue. */
export type CurrentEnqueueCall<F extends JobFunction = JobFunction> =
  & CurrentCallOptions<F>
  & (CallArgs<F> | PassedArgs<F>);

/** A follow-up job to enqueue, without its arguments. */
export interface CurrentCallOptions<F extends JobFunction>
  extends
    Omit<JobOptions, keyof CallbackOptions>,
    CallbackOptions<StoredResultOf<F>> {
  /** The function; see {@linkcode CurrentFunc}. */
  readonly func: CurrentFunc<F>;
  /** The queue's name. @default that of a function made by `job()`, else the running job's queue */
  readonly queue?: string;
  /** Jobs to wait for: their ids, follow-up jobs, `dependency(…)`, or a list of these. */
  readonly dependsOn?: DependsOn;
}

/** A follow-up job that has been stored. */
export interface EnqueuedJob {
  /** The new job's id. */
  readonly id: string;
}

/** What became of a job on which the running one depends. */
export interface Parent<R = unknown> {
  /** Its id. */
  readonly id: string;
  /** Its status; `null` if it is gone: it was deleted, or its result has expired. */
  readonly status: JobStatus | null;
  /** What it returned, if it has finished; absent if it returned nothing. */
  readonly result?: R;
  /** The text of its failure, including the stack, if it has failed or was stopped. */
  readonly error?: string;
  /** Whether its result is not there any more, or was not kept. */
  readonly expired: boolean;
}

/** What became of several, with the types of their results. */
export type ParentsOf<R extends readonly unknown[]> = {
  readonly [K in keyof R]: Parent<R[K]>;
};

/** Options of {@linkcode CurrentJob.sleep}. */
export interface SleepOptions {
  /**
   * Its name. Give one where it depends on the run which sleep comes first, as with several at once.
   *
   * @default its number among the sleeps of the run that have none
   */
  readonly name?: string;
}

/** Options of {@linkcode CurrentJob.waitFor}. */
export interface WaitForOptions {
  /**
   * The longest wait.
   *
   * @default Infinity
   */
  readonly timeout?: Duration;
}

/** The running job. Any use outside a job throws an `Error`. */
export interface CurrentJob {
  /** The job's id. */
  readonly id: string;
  /** The id of this run; each run of a job has its own. */
  readonly executionId: string;
  /** 1 for the first run of the job, 2 for the next. */
  readonly attempt: number;
  /** The name of the job's queue. */
  readonly queue: string;
  /** The id of the job's group; `null` if it has none. Jobs that are to be members of it too are given it as `group`. */
  readonly groupId: string | null;
  /** The job's `meta` when it began, with what it has changed since by `setMeta()`. */
  readonly meta: Readonly<Record<string, unknown>>;
  /**
   * Aborted with a `TimeoutError` when the job's time is up, or with an `AbortError` when a job that
   * shares its process with others is stopped. Soon after, the subprocess is killed.
   */
  readonly signal: AbortSignal;
  /**
   * Merges a patch into the job's `meta` and stores it: a key whose value is
   * `undefined` is removed, other keys stay, also those that others change meanwhile by
   * `job.setMeta()`. Resolves once it is stored. A call made
   * before the job returns is stored even if it is not awaited.
   *
   * @throws {TypeError} If JSON cannot represent the patch.
   */
  setMeta(patch: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Stores the job's progress. Need not be awaited.
   *
   * @param value From 0 to 1.
   * @param note What is being done.
   * @throws {RangeError} If the value is not from 0 to 1.
   */
  progress(value: number, note?: string): Promise<void>;
  /**
   * Adds to the job's log, which is kept with the job: see `job.logs()`. A text is logged as it is, line by line, anything else
   * as `console.log()` shows it. It is on its way at once; all of it is stored before the job ends. The last 64 KB are kept,
   * or as many as the worker's `captureLogs` says.
   *
   * @example
   * ```ts ignore
   * currentJob.log("imported", { files: 3 });
   * ```
   */
  log(...values: unknown[]): void;
  /**
   * What became of the jobs on which this one depends, in the order of `dependsOn`. The types of their results may be
   * given: `parents<[number, string]>()`.
   *
   * @throws {Error} If a result cannot be read, or all together are larger than 64 MB.
   */
  parents<R extends readonly unknown[] = unknown[]>(): Promise<ParentsOf<R>>;
  /**
   * Does something once in the life of the job, and keeps what it returns: another run of the job, after a failure, a
   * crash or a sleep, gets that without doing it again. What throws is not kept. If the worker dies between
   * the deed and the keeping, it is done once more.
   *
   * All steps and signals of a job together may take 512 KB, where each counts at least half a kilobyte.
   *
   * @param name Its name. It is used once in each run; in a loop, make the item a part of it.
   * @returns What `func` has returned, as JSON keeps it, in the first run as in later ones.
   * @throws {TypeError} If JSON cannot represent it.
   */
  step<T>(name: string, func: () => T): Promise<Stored<Awaited<T>>>;
  /**
   * Gives the worker back for a while. This run of the job ends here, without its `finally` blocks; the job is `scheduled`,
   * and later run again, as the same attempt: its steps are there, and this sleep is over. What it did outside of steps is
   * done again.
   *
   * Steps that are in progress beside it are waited for, anything else is not.
   */
  sleep(duration: Duration, options?: SleepOptions): Promise<void>;
  /**
   * Waits for a signal, which {@linkcode Job.signal} gives to the job, before or during the wait. Until then it
   * gives the worker back, as {@linkcode CurrentJob.sleep} does.
   *
   * @param name The signal's name. All waits for it get the same value.
   * @returns The signal's value.
   * @throws {DOMException} `TimeoutError` after `timeout`, in later runs too.
   */
  waitFor<T = unknown>(name: string, options?: WaitForOptions): Promise<T>;
  /**
   * Adds a follow-up job to the running job's queue, or to that of a function made by `job()`, whose options it takes. Resolves once it is stored.
   *
   * @throws {TypeError} If JSON cannot represent an argument, or the job's own module
   * does not export the function.
   */
  enqueue<F extends JobFunction>(
    func: CurrentFunc<F>,
    ...args: StoredArgs<F>
  ): Promise<EnqueuedJob>;
  /**
   * Adds a follow-up job with options. Resolves once it is stored.
   *
   * If its `unique` key is taken, and that is to be skipped or debounced, it gives the job that holds the key.
   *
   * @throws {TypeError} As {@linkcode CurrentJob.enqueue} does, and if an option is unknown.
   * @throws {Error} With the name `DuplicateJobError`, if its id or `unique` key is taken.
   */
  enqueueCall<F extends JobFunction>(
    call: CurrentEnqueueCall<F>,
  ): Promise<EnqueuedJob>;
}

/** Asks by a global symbol: the job may import this module by another URL, which makes it another instance. */
function current(): CurrentJob {
  const source = (globalThis as { [CURRENT]?: () => RunningJob | undefined })[
    CURRENT
  ];
  const job = source?.();
  if (job === undefined) {
    throw new Error(
      "Cannot use currentJob: no job is running, it exists only in functions that a worker runs",
    );
  }
  return job.currentJob ??= createCurrentJob(job);
}

/** The job that is running. */
export const currentJob: CurrentJob = Object.freeze<CurrentJob>({
  get id() {
    return current().id;
  },
  get executionId() {
    return current().executionId;
  },
  get attempt() {
    return current().attempt;
  },
  get queue() {
    return current().queue;
  },
  get groupId() {
    return current().groupId;
  },
  get meta() {
    return current().meta;
  },
  get signal() {
    return current().signal;
  },
  setMeta: (patch) => current().setMeta(patch),
  progress: (value, note) => current().progress(value, note),
  log: (...values) => current().log(...values),
  parents: () => current().parents(),
  enqueue: (func, ...args) => current().enqueue(func, ...args),
  enqueueCall: (call) => current().enqueueCall(call),
  step: (name, func) => current().step(name, func),
  sleep: (duration, options) => current().sleep(duration, options),
  waitFor: (name, options) => current().waitFor(name, options),
});
