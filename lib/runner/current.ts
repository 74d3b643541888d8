/**
 * The job that is running, for the code of that job.
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
 * What a job asks for goes through its worker: the subprocess needs no
 * connection to Redis, and no permission, to add jobs or to store progress.
 *
 * @module
 */

import type { JobOptions } from "../job/options.ts";
import type { CallArgs, JobFunction, StoredArgs } from "../job/stored.ts";

export type { JobOptions } from "../job/options.ts";
export type {
  ArgumentsByName,
  ArrivesAs,
  CallArgs,
  JobFunction,
  NamedArguments,
  NotJson,
  PositionalArguments,
  Stored,
  StoredArgs,
} from "../job/stored.ts";

/** What is called: a dotted path, a module and export, or a function that the job's own module exports. */
export type CurrentFunc<F extends JobFunction = JobFunction> = string | URL | F;

/** What `enqueueCall()` takes: every option of `Queue.enqueueCall()`, and the queue. */
export type CurrentEnqueueCall<F extends JobFunction = JobFunction> =
  & CurrentCallOptions<F>
  & CallArgs<F>;

/** All that can be said of a follow-up job, but for its arguments. */
export interface CurrentCallOptions<F extends JobFunction> extends JobOptions {
  /** The function; see {@linkcode CurrentFunc}. */
  readonly func: CurrentFunc<F>;
  /** The queue's name. @default the running job's queue */
  readonly queue?: string;
  /** Jobs to wait for: their ids, or follow-up jobs. */
  readonly dependsOn?: ParentJob | readonly ParentJob[];
}

/** A job that another one waits for. */
export type ParentJob = string | EnqueuedJob;

/** A follow-up job that has been stored. */
export interface EnqueuedJob {
  /** The new job's id. */
  readonly id: string;
}

/** The job that is running. Every use outside of a job throws an `Error`. */
export interface CurrentJob {
  /** The job's id. */
  readonly id: string;
  /** This run's own id; another run of the same job has another. */
  readonly executionId: string;
  /** 1 for the first run of the job, 2 for the next. */
  readonly attempt: number;
  /** The name of the queue that the job came from. */
  readonly queue: string;
  /** The job's `meta`, as last stored. Change it with `setMeta()`. */
  readonly meta: Readonly<Record<string, unknown>>;
  /**
   * Aborts with a `TimeoutError` when the job's time is up, with an `AbortError` when somebody stops a
   * job that shares its process with others; soon after, the subprocess is killed.
   */
  readonly signal: AbortSignal;
  /**
   * Merges a patch into the job's `meta` and stores it: a key whose value is
   * `undefined` is removed, other keys stay. Resolves once it is stored. What was
   * called before the job returns is stored, awaited or not.
   *
   * @throws {TypeError} if the patch cannot be JSON
   */
  setMeta(patch: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Stores how far the job is. Need not be awaited.
   *
   * @param value from 0 to 1
   * @param note what is being done
   * @throws {RangeError} if the value is not from 0 to 1
   */
  progress(value: number, note?: string): Promise<void>;
  /**
   * Adds a follow-up job to the running job's queue. Resolves once it is stored.
   *
   * @throws {TypeError} if an argument cannot be JSON, or if a function is given
   * that the job's own module does not export
   */
  enqueue<F extends JobFunction>(
    func: CurrentFunc<F>,
    ...args: StoredArgs<F>
  ): Promise<EnqueuedJob>;
  /**
   * Adds a follow-up job with options. Resolves once it is stored.
   *
   * @throws {TypeError} as {@linkcode CurrentJob.enqueue} does, and if there is no such option
   */
  enqueueCall<F extends JobFunction>(
    call: CurrentEnqueueCall<F>,
  ): Promise<EnqueuedJob>;
}

/**
 * Under this symbol the subprocess leaves the way to the running job (`current_job.ts`): a job's import of
 * this module may be another instance of it, by another URL, than one that the subprocess would load.
 */
const CURRENT: unique symbol = Symbol.for("deno-rq.current");

function current(): CurrentJob {
  const source = (globalThis as { [CURRENT]?: () => CurrentJob | undefined })[
    CURRENT
  ];
  const job = source?.();
  if (job === undefined) {
    throw new Error(
      "Cannot use currentJob: no job is running, it exists only in functions that a worker runs",
    );
  }
  return job;
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
  get meta() {
    return current().meta;
  },
  get signal() {
    return current().signal;
  },
  setMeta: (patch) => current().setMeta(patch),
  progress: (value, note) => current().progress(value, note),
  enqueue: (func, ...args) => current().enqueue(func, ...args),
  enqueueCall: (call) => current().enqueueCall(call),
});
