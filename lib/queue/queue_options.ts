/**
 * The options of a queue, and their check.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkFairKey } from "../job/fair_key.ts";
import { checkIsolation, type Isolation } from "../job/isolation.ts";
import { DEFAULT_TIMEOUT } from "../job/options.ts";
import {
  type CheckedRateLimit,
  checkQueueRateLimit,
  type QueueRateLimit,
} from "../job/rate_limit.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import {
  checkMiddleware,
  type EnqueueMiddleware,
} from "./enqueue_middleware.ts";
import type { QueueDefaults } from "./new_job.ts";

/** Options of a {@linkcode Queue}. */
export interface QueueOptions extends ConnectionOptions {
  /**
   * The time limit of jobs without their own `timeout`: seconds or text.
   *
   * @default 180
   */
  readonly defaultTimeout?: Duration;
  /**
   * The isolation of jobs without their own; see `JobOptions.isolation`.
   *
   * @default the worker's isolation
   */
  readonly isolation?: Isolation;
  /**
   * The rate limit of jobs without their own. Its key is the queue's name, unless it says another one: all programs that
   * enqueue with this option share it. What enqueues without it, such as a job's follow-ups, says it for itself.
   *
   * @default none
   */
  readonly rateLimit?: QueueRateLimit;
  /**
   * Whose jobs it enqueues, if they do not say; see `JobOptions.fairKey`.
   *
   * @default none
   */
  readonly fairKey?: string;
  /**
   * Runs around each call that enqueues, the first one outermost. What runs around jobs is an option of workers.
   *
   * @default []
   */
  readonly middleware?: readonly EnqueueMiddleware[];
  /**
   * `false` runs each job at once, in this process and without Redis, as RQ's `is_async` does: the call that enqueues it
   * resolves when it has ended. For tests, which import `@deno-rq/rq/testing` for it.
   *
   * @default true
   */
  readonly isAsync?: boolean;
}

const OPTIONS = optionNames<QueueOptions>({
  ...CONNECTION_OPTIONS,
  defaultTimeout: true,
  isolation: true,
  rateLimit: true,
  fairKey: true,
  middleware: true,
  isAsync: true,
});

/** {@linkcode QueueOptions} after the check, without the connection. */
export interface CheckedQueueOptions extends QueueDefaults {
  /** In seconds. */
  readonly defaultTimeout: number;
  readonly rateLimit: CheckedRateLimit | undefined;
  readonly middleware: readonly EnqueueMiddleware[] | undefined;
}

/**
 * Checks the options of a queue.
 *
 * @param name The queue's name.
 * @param action What cannot be done with an unknown one.
 * @throws {RangeError | TypeError} It names the option that is wrong.
 */
export function checkQueueOptions(
  options: QueueOptions,
  name: string,
  action: string,
): CheckedQueueOptions {
  refuseUnknown(options, OPTIONS, action);
  const { isAsync = true } = options;
  if (typeof isAsync !== "boolean") {
    throw new TypeError(
      `${action}: isAsync must be true or false, got ${typeof isAsync}`,
    );
  }
  const { defaultTimeout, isolation, rateLimit, fairKey, middleware } = options;
  return {
    defaultTimeout: defaultTimeout === undefined
      ? DEFAULT_TIMEOUT
      : parseDuration(defaultTimeout, "defaultTimeout", { unlimited: true }),
    isolation: isolation === undefined ? undefined : checkIsolation(isolation),
    rateLimit: rateLimit === undefined
      ? undefined
      : checkQueueRateLimit(rateLimit, name),
    fairKey: fairKey === undefined ? undefined : checkFairKey(fairKey),
    middleware: middleware === undefined
      ? undefined
      : checkMiddleware(middleware),
  };
}
