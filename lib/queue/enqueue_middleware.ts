/**
 * What runs around enqueueing, in the program that enqueues.
 *
 * @module
 */

import type { EnqueueCall } from "./enqueue_call.ts";
import type { Job } from "./job.ts";

/** Enqueues calls, and gives their jobs, in the same order. */
export type EnqueueAll = (
  calls: readonly EnqueueCall[],
) => Promise<readonly Job[]>;

/**
 * Runs around each call that enqueues, with all of its jobs: one for `enqueue()`, all for `enqueueMany()`. `next()` enqueues
 * them, or runs the middleware behind this one; it may be given other calls, such as with more `meta`.
 *
 * @example
 * ```ts ignore
 * const tracing: EnqueueMiddleware = (calls, next) =>
 *   next(calls.map((call) => ({ ...call, meta: { ...call.meta, trace } })));
 *
 * const queue = new Queue("low", { middleware: [tracing] });
 * ```
 */
export type EnqueueMiddleware = (
  calls: readonly EnqueueCall[],
  next: EnqueueAll,
) => readonly Job[] | Promise<readonly Job[]>;

/** @throws {TypeError} If it is no list of functions. */
export function checkMiddleware(
  middleware: readonly EnqueueMiddleware[],
): readonly EnqueueMiddleware[] {
  const isList = Array.isArray(middleware) &&
    middleware.every((item) => typeof item === "function");
  if (isList) return [...middleware];
  throw new TypeError(
    "Cannot use middleware of a queue: expected a list of functions; that of jobs is an option of workers",
  );
}

/**
 * Enqueues calls through middleware, the first one outermost.
 *
 * @throws {TypeError} If a middleware does not give a job for each of the calls.
 */
export async function enqueueThrough(
  middleware: readonly EnqueueMiddleware[],
  calls: readonly EnqueueCall[],
  enqueue: EnqueueAll,
): Promise<readonly Job[]> {
  const [first, ...others] = middleware;
  if (first === undefined) return await enqueue(calls);
  const jobs = await first(
    calls,
    (changed) => enqueueThrough(others, changed, enqueue),
  );
  if (Array.isArray(jobs) && jobs.length === calls.length) return jobs;
  throw new TypeError(
    `Cannot enqueue ${calls.length} jobs: middleware ${
      first.name || "without a name"
    } gave ${Array.isArray(jobs) ? jobs.length : typeof jobs}`,
  );
}
