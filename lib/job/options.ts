/**
 * What can be said of a job when it is enqueued, checked in one place.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import {
  type CallbackOptions,
  checkCallbacks,
  type CheckedCallback,
} from "./callback.ts";
import { checkGroup, type GroupOrId } from "./group.ts";
import { checkIsolation, type Isolation } from "./isolation.ts";
import { checkFairKey } from "./fair_key.ts";
import { checkJobId } from "./names.ts";
import {
  type CheckedRateLimit,
  checkRateLimit,
  type RateLimit,
} from "./rate_limit.ts";
import { type CheckedRepeat, checkRepeat, type Repeat } from "./repeat.ts";
import { checkWebhooks, type StoredWebhook, type Webhook } from "./webhook.ts";
import { type CheckedRetry, checkRetry, type RetryOptions } from "./retry.ts";
import { type CheckedUnique, checkUnique, type Unique } from "./unique.ts";
import { checkTags } from "./tags.ts";

/** Options of a job, each with RQ's default. */
export interface JobOptions extends CallbackOptions<never> {
  /**
   * Longest run: seconds, text such as `"90s"`, `"5m"`, `"1h30m"`, or `-1` for no limit.
   *
   * @default 180
   */
  readonly timeout?: Duration;
  /**
   * How long a result is kept, in seconds or as text; `0` not at all, `-1` for ever.
   *
   * @default 500
   */
  readonly resultTtl?: Duration;
  /**
   * How long a failed job is kept, in seconds or as text; `-1` for ever.
   *
   * @default 31_536_000, a year
   */
  readonly failureTtl?: Duration;
  /**
   * Longest wait in the queue, in seconds or as text; then the job is dropped.
   *
   * @default none
   */
  readonly ttl?: Duration;
  /**
   * The job's id: letters, digits, `_` and `-`.
   *
   * @default a random UUID
   */
  readonly jobId?: string;
  /**
   * Puts the job at the head of its queue.
   *
   * @default false
   */
  readonly atFront?: boolean;
  /**
   * Runs the job no sooner than at this time. A time that is past means at once.
   *
   * @default at once
   */
  readonly at?: Date;
  /**
   * Runs the job no sooner than after this time, by Redis' clock: seconds, fractions too, or text.
   *
   * @default at once
   */
  readonly in?: Duration;
  /**
   * How many jobs with the same key may be queued or running at a time, or may start within a time, or both. The others
   * wait without taking a worker, with the status `rate_limited`, and are queued in the order in which they came.
   *
   * @default the queue's, then no limit
   */
  readonly rateLimit?: RateLimit;
  /**
   * Whose job it is, such as `"tenant-7"`: the keys of a queue take turns, so that one with 100,000 jobs does not keep
   * another's one waiting. A job that waits for the turn of its key has the status `rate_limited`. `atFront` puts it
   * before the others of its key. Jobs without a key stand in the queue as ever, and so do those whose rate limit has an
   * `onConflict`, of which one waits at most.
   *
   * @default the queue's, then none
   */
  readonly fairKey?: string;
  /**
   * The group that the job belongs to, or its id; see `Group`. It must exist. `null` is none.
   *
   * @default none
   */
  readonly group?: GroupOrId | null;
  /**
   * Runs the job again each time that it succeeds; see {@linkcode repeat}.
   *
   * @default it runs once
   */
  readonly repeat?: Repeat;
  /**
   * How often the job is tried again if it fails, or more of that; see `retry()`. A job that exceeds its time, or
   * whose process crashes or is killed, has failed too.
   *
   * @default never
   */
  readonly retry?: number | RetryOptions;
  /**
   * That there are no two such jobs: a key that one job of the queue holds at a time, and what happens if it is taken.
   * `true`, with a `jobId`, refuses an id under which a job is stored, even one that has ended, as in RQ.
   *
   * @default only the id of a job that has not ended is taken
   */
  readonly unique?: true | Unique;
  /**
   * Words to find the job by, see `Queue.jobsByTag()`: at most 20, of at most 100 characters.
   *
   * @default none
   */
  readonly tags?: readonly string[];
  /**
   * HTTP requests that are sent when the job has ended; see `webhook()`.
   *
   * @default none
   */
  readonly webhooks?: Webhook | readonly Webhook[];
  /**
   * What log lines and dashboards show.
   *
   * @default the call, in Python's notation
   */
  readonly description?: string;
  /**
   * Free data that goes with the job: a JSON object.
   *
   * @default {}
   */
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * How far the job is to be kept apart from others. A worker goes beyond what it was
   * told for the queue, never below.
   *
   * @default the queue's, then what the worker was told
   */
  readonly isolation?: Isolation;
}

/** {@linkcode JobOptions} after the check: numbers of seconds, nothing that cannot be stored. */
export interface CheckedJobOptions {
  readonly timeout: number;
  readonly resultTtl: number | undefined;
  readonly failureTtl: number | undefined;
  readonly ttl: number | undefined;
  readonly jobId: string | undefined;
  readonly atFront: boolean;
  /** When it may run: seconds since 1970, or `+` and seconds from now. */
  readonly due: string | undefined;
  readonly rateLimit: CheckedRateLimit | undefined;
  readonly fairKey: string | undefined;
  /** The id of its group. */
  readonly group: string | undefined;
  readonly repeat: CheckedRepeat | undefined;
  readonly retry: CheckedRetry | undefined;
  readonly callbacks: readonly CheckedCallback[];
  readonly unique: CheckedUnique | undefined;
  readonly tags: readonly string[] | undefined;
  readonly webhooks: readonly StoredWebhook[];
  readonly description: string | undefined;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  readonly isolation: Isolation | undefined;
}

const NO_WEBHOOKS: readonly StoredWebhook[] = [];

/** RQ's `Queue.DEFAULT_TIMEOUT`, in seconds. */
export const DEFAULT_TIMEOUT = 180;
/** RQ's `DEFAULT_RESULT_TTL`, in seconds. */
export const DEFAULT_RESULT_TTL = 500;
/** RQ's `DEFAULT_FAILURE_TTL`, in seconds: a year. */
export const DEFAULT_FAILURE_TTL = 31_536_000;

/**
 * Checks the options of one job.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 */
export function checkJobOptions(
  options: JobOptions,
  defaultTimeout: number = DEFAULT_TIMEOUT,
): CheckedJobOptions {
  const { timeout, resultTtl, failureTtl, ttl, jobId, description, meta } =
    options;
  if (description !== undefined && typeof description !== "string") {
    throw new TypeError(
      `Cannot use description: expected text, got ${typeof description}`,
    );
  }
  if (
    meta !== undefined &&
    (typeof meta !== "object" || meta === null || Array.isArray(meta))
  ) {
    throw new TypeError("Cannot use meta: expected an object");
  }
  const unique = options.unique === undefined
    ? undefined
    : checkUnique(options.unique, jobId);
  return {
    timeout: timeout === undefined
      ? defaultTimeout
      : parseDuration(timeout, "timeout", { unlimited: true }),
    resultTtl: optional(resultTtl, "resultTtl", {
      zero: true,
      unlimited: true,
    }),
    failureTtl: optional(failureTtl, "failureTtl", {
      zero: true,
      unlimited: true,
    }),
    ttl: optional(ttl, "ttl", {}),
    jobId: jobId === undefined ? undefined : checkJobId(jobId),
    atFront: options.atFront ?? false,
    due: dueOf(options, unique),
    rateLimit: options.rateLimit === undefined
      ? undefined
      : checkRateLimit(options.rateLimit),
    fairKey: options.fairKey === undefined
      ? undefined
      : checkFairKey(options.fairKey),
    group: options.group === undefined || options.group === null
      ? undefined
      : checkGroup(options.group),
    repeat: options.repeat === undefined
      ? undefined
      : checkRepeat(options.repeat),
    retry: options.retry === undefined ? undefined : checkRetry(options.retry),
    callbacks: checkCallbacks(options),
    unique,
    tags: options.tags === undefined ? undefined : checkTags(options.tags),
    webhooks: options.webhooks === undefined
      ? NO_WEBHOOKS
      : checkWebhooks(options.webhooks),
    description,
    meta,
    isolation: options.isolation === undefined
      ? undefined
      : checkIsolation(options.isolation),
  };
}

/** The last time that a `Date` can be, in milliseconds, is far beyond what dates in Redis can say: four digits of a year. */
const LAST_MS = Date.UTC(9999, 11, 31);

function dueOf(
  { at, in: delay }: JobOptions,
  unique: CheckedUnique | undefined,
): string | undefined {
  if (at !== undefined && delay !== undefined) {
    throw new TypeError('Cannot use both "at" and "in"');
  }
  if (unique?.due !== undefined) {
    if (at === undefined && delay === undefined) return unique.due;
    throw new TypeError(
      `Cannot use "${
        at === undefined ? "in" : "at"
      }" with unique.ifTaken "debounce": its delay says when the job is due`,
    );
  }
  if (delay !== undefined) {
    const seconds = parseDuration(delay, "in", { zero: true, fraction: true });
    return seconds === 0 ? undefined : `+${seconds}`;
  }
  if (at === undefined) return undefined;
  if (!(at instanceof Date)) {
    throw new TypeError(`Cannot use at: expected a Date, got ${typeof at}`);
  }
  const ms = at.getTime();
  if (!(ms <= LAST_MS)) {
    throw new RangeError(
      `Cannot use at: ${String(at)} is no date before the year 10000`,
    );
  }
  return ms <= 0 ? undefined : (ms / 1_000).toFixed(3);
}

function optional(
  value: Duration | undefined,
  label: string,
  allow: { zero?: boolean; unlimited?: boolean },
): number | undefined {
  return value === undefined ? undefined : parseDuration(value, label, allow);
}
