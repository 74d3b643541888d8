/**
 * Keeping workers from taking jobs: `suspend()`, `resume()`, and what they share with `queue.pause()`.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import {
  areWorkersSuspended,
  resumeWorkers,
  suspendWorkers,
} from "../store/pauses.ts";
import { Context, openContext, withContext } from "./context.ts";

/** Options of {@linkcode Queue.pause}. */
export interface PauseOptions {
  /**
   * For how long: seconds (also fractions), or text such as `"10m"`.
   *
   * @default Infinity
   */
  readonly for?: Duration;
}

/** Options of {@linkcode suspend}. */
export interface SuspendOptions extends ConnectionOptions, PauseOptions {}

const PAUSE_OPTIONS = optionNames<PauseOptions>({ for: true });
const SUSPEND_OPTIONS = optionNames<SuspendOptions>({
  ...CONNECTION_OPTIONS,
  for: true,
});

/** For how many seconds options ask for a pause; `Infinity` for ever. */
export function pauseSeconds(options: PauseOptions, action: string): number {
  refuseUnknown(options, PAUSE_OPTIONS, action);
  return secondsOf(options);
}

/**
 * Suspends all workers, Python's too: from now on they take no job, until {@linkcode resume} is called, or for the time that
 * is given. What runs goes on, and jobs can be enqueued. (An idle worker of RQ's takes one more job.)
 *
 * @example
 * ```ts ignore
 * await suspend({ for: "10m" }); // while the database is upgraded
 * ```
 */
export async function suspend(options: SuspendOptions = {}): Promise<void> {
  refuseUnknown(options, SUSPEND_OPTIONS, "Cannot suspend workers");
  const seconds = secondsOf(options);
  const { for: _, ...connection } = options;
  await withContext(
    new Context(connection),
    ({ store }) => suspendWorkers(store, seconds),
  );
}

/** Ends a suspension: workers take jobs again within a second. `false` if they were not suspended. */
export async function resume(
  options: ConnectionOptions = {},
): Promise<boolean> {
  return await withContext(
    openContext(options, "Cannot resume workers"),
    ({ store }) => resumeWorkers(store),
  );
}

/** Whether all workers are suspended, by {@linkcode suspend} or `rq suspend`. */
export async function isSuspended(
  options: ConnectionOptions = {},
): Promise<boolean> {
  const action = "Cannot tell whether workers are suspended";
  return await withContext(
    openContext(options, action),
    ({ store }) => areWorkersSuspended(store),
  );
}

function secondsOf({ for: time = Infinity }: PauseOptions): number {
  return parseDuration(time, "for", { fraction: true, infinite: true });
}
