/**
 * What runs around every job of a worker, in the job's process: the types for those who write it.
 *
 * @module
 */

/** The job around which a middleware runs, or which has failed. */
export interface HookedJob {
  /** Its id. */
  readonly id: string;
  /** The id of this run. */
  readonly executionId: string;
  /** 1 for the first run of the job, 2 for the next. */
  readonly attempt: number;
  /** The name of its queue. */
  readonly queue: string;
  /** The id of its group, or `null`. */
  readonly groupId: string | null;
  /** Its function, as stored. */
  readonly func: string;
  /** Its positional arguments. */
  readonly args: readonly unknown[];
  /** Its keyword arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Its `meta` when it started. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Its longest run in seconds; `-1` for no limit. */
  readonly timeout: number;
}

/**
 * Runs around each job, in its process, and within its time limit. `next()` runs the job, or the middleware behind this one,
 * and gives what that returns or throws. What the middleware returns is the job's result, what it throws the job's error.
 *
 * @example
 * ```ts ignore
 * // timing.ts, for `--middleware ./timing.ts`
 * import type { Middleware } from "@deno-rq/rq/current";
 *
 * const timing: Middleware = async (job, next) => {
 *   const from = performance.now();
 *   try {
 *     return await next();
 *   } finally {
 *     console.log(`${job.func} took ${performance.now() - from} ms`);
 *   }
 * };
 * export default timing;
 * ```
 */
export type Middleware = (
  job: HookedJob,
  next: () => Promise<unknown>,
) => unknown;

/**
 * Called for each failure of a job that its process sees, in that process, and within its time limit; also if the job will
 * be tried again. A handler that returns a false value other than `undefined` keeps the job from those behind it, as in RQ.
 *
 * @example
 * ```ts ignore
 * // report.ts, for `--exception-handler ./report.ts`
 * import type { ExceptionHandler } from "@deno-rq/rq/current";
 *
 * const report: ExceptionHandler = async (job, error) => {
 *   await fetch("https://errors.example", {
 *     method: "POST",
 *     body: JSON.stringify({ job: job.id, func: job.func, error: String(error) }),
 *   });
 * };
 * export default report;
 * ```
 */
export type ExceptionHandler = (job: HookedJob, error: unknown) => unknown;

/** Where a middleware or a handler is. */
export interface HookRef {
  /** The module's URL. */
  readonly url: string;
  /** The export. */
  readonly exportName: string;
}

/** All of a worker. */
export interface HookRefs {
  /** The outermost one first. */
  readonly middleware: readonly HookRef[];
  /** In the order in which they are called. */
  readonly exceptionHandlers: readonly HookRef[];
}

/** The URLs of their modules. */
export function hookModules(hooks: HookRefs | undefined): string[] {
  if (hooks === undefined) return [];
  const { middleware, exceptionHandlers } = hooks;
  return [
    ...new Set([...middleware, ...exceptionHandlers].map(({ url }) => url)),
  ];
}
