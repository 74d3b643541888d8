/**
 * The `retry` option: how often, and after how long, a failed job is tried again.
 *
 * @module
 */

import { type Duration, MAX_SECONDS, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";
import type { JobField } from "./fields.ts";
import type { JobRecord } from "./record.ts";

/** How the waits before retries grow; see {@linkcode RetryOptions.backoff}. */
export type Backoff = "fixed" | "linear" | "exponential";

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /** How often a failed job is tried again, at most: 1 to 1,000. */
  readonly max: number;
  /**
   * How long to wait before a retry, in whole seconds or as text. Of a list, the first is for the first retry, and the last
   * for all that follow it.
   *
   * @default 0
   */
  readonly interval?: Duration | readonly Duration[];
  /**
   * How the waits grow from `interval`: not at all; by `interval` each time; or each time to `factor` times the last one.
   *
   * @default "fixed"
   */
  readonly backoff?: Backoff;
  /**
   * The factor of an exponential backoff, from 1 on.
   *
   * @default 2
   */
  readonly factor?: number;
  /**
   * The longest wait, in whole seconds or as text.
   *
   * @default none
   */
  readonly maxInterval?: Duration;
  /**
   * By what share, 0 to 1, a wait is made longer or shorter at random, so that jobs that failed together do not come back
   * together. It is drawn when the job has failed; Python's workers wait without it.
   *
   * @default 0
   */
  readonly jitter?: number;
  /**
   * Names of errors or of their classes: other failures are final. `"TimeoutError"` is a job that ran for too long,
   * `"CrashError"` one whose process was killed or has crashed, `"ExitError"` one that has called `Deno.exit()`. Python's workers try
   * again after each failure.
   *
   * @default all failures
   */
  readonly retryOn?: readonly string[];
  /**
   * Puts a retry at the head of the queue.
   *
   * @default false
   */
  readonly atFront?: boolean;
}

/** A `retry` option after the check. */
export interface CheckedRetry {
  /** Whole seconds before each retry: as many numbers as there are retries. */
  readonly intervals: readonly number[];
  readonly jitter: number;
  readonly retryOn: readonly string[] | undefined;
  readonly atFront: boolean;
}

const OPTIONS = optionNames<RetryOptions>({
  max: true,
  interval: true,
  backoff: true,
  factor: true,
  maxInterval: true,
  jitter: true,
  retryOn: true,
  atFront: true,
});

const BACKOFFS: readonly Backoff[] = ["fixed", "linear", "exponential"];

/** The list of waits is stored with each job. */
const MOST_RETRIES = 1_000;

/**
 * Checks the options of a retry, for `enqueueCall({ retry })` and the like, which take them unchecked too.
 *
 * @throws {RangeError | TypeError} It names the option that is wrong.
 *
 * @example
 * ```ts
 * import { retry } from "./retry.ts";
 *
 * // after 10, 20, 40, 60 and 60 seconds, each up to a tenth more or less
 * retry({
 *   max: 5,
 *   interval: "10s",
 *   backoff: "exponential",
 *   maxInterval: "1m",
 *   jitter: 0.1,
 * });
 * ```
 */
export function retry(options: RetryOptions): RetryOptions {
  checkRetry(options);
  return options;
}

/**
 * Checks a `retry` option.
 *
 * @throws {RangeError | TypeError} It names the option that is wrong.
 */
export function checkRetry(option: number | RetryOptions): CheckedRetry {
  if (typeof option === "number") return checkRetry({ max: option });
  const unknown = unknownOption(option, OPTIONS, "Cannot use retry");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use retry: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { max, jitter = 0, retryOn, atFront = false } = option;
  if (!Number.isInteger(max) || max < 1 || max > MOST_RETRIES) {
    throw new RangeError(
      `Cannot use retry ${show(max)}: max has to be a whole number from 1 to ${
        MOST_RETRIES.toLocaleString("en")
      }`,
    );
  }
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw new RangeError(
      `Cannot use retry.jitter ${show(jitter)}: expected a number from 0 to 1`,
    );
  }
  if (typeof atFront !== "boolean") {
    throw new TypeError(
      `Cannot use retry.atFront ${show(atFront)}: expected true or false`,
    );
  }
  if (retryOn !== undefined && !isListOfNames(retryOn)) {
    throw new TypeError(
      `Cannot use retry.retryOn ${
        show(retryOn)
      }: expected a list of names of errors, such as ["TimeoutError"]`,
    );
  }
  return { intervals: intervalsOf(option), jitter, retryOn, atFront };
}

function intervalsOf(options: RetryOptions): number[] {
  const { max, interval = 0, backoff = "fixed", factor } = options;
  if (!BACKOFFS.includes(backoff)) {
    throw new RangeError(
      `Cannot use retry.backoff ${show(backoff)}: expected ${
        BACKOFFS.join(", ")
      }`,
    );
  }
  const longest = options.maxInterval === undefined
    ? MAX_SECONDS
    : parseDuration(options.maxInterval, "retry.maxInterval");
  const given = [interval].flat().map((one) =>
    parseDuration(one, "retry.interval", { zero: true })
  );
  if (given.length === 0) {
    throw new RangeError("Cannot use retry.interval []: the list is empty");
  }
  if (backoff !== "fixed" && (Array.isArray(interval) || given[0] === 0)) {
    throw new TypeError(
      `Cannot use retry.backoff "${backoff}": it needs one interval from 1 second on`,
    );
  }
  checkFactor(factor, backoff);
  return Array.from({ length: max }, (_, i) => {
    const seconds = backoff === "fixed"
      ? given[Math.min(i, given.length - 1)]!
      : backoff === "linear"
      ? given[0]! * (i + 1)
      : Math.round(given[0]! * (factor ?? 2) ** i);
    return Math.min(seconds, longest);
  });
}

function checkFactor(factor: number | undefined, backoff: Backoff): void {
  if (factor === undefined) return;
  if (backoff !== "exponential") {
    throw new TypeError(
      'Cannot use retry.factor: it is for the backoff "exponential"',
    );
  }
  if (!Number.isFinite(factor) || factor < 1) {
    throw new RangeError(
      `Cannot use retry.factor ${show(factor)}: expected a number from 1 on`,
    );
  }
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((name) => typeof name === "string" && name !== "");
}

function show(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value) ?? "…";
}

/** The fields that a retry is stored as: RQ's, where it has some. */
export function retryFields(
  { intervals, jitter, retryOn, atFront }: CheckedRetry,
): [JobField, string | number][] {
  const fields: [JobField, string | number][] = [
    ["retries_left", intervals.length],
    ["retry_intervals", JSON.stringify(intervals)],
  ];
  if (atFront) fields.push(["enqueue_at_front_on_retry", 1]);
  if (jitter > 0) fields.push(["x_retry_jitter", jitter]);
  if (retryOn) fields.push(["x_retry_on", JSON.stringify(retryOn)]);
  return fields;
}

/** Whether a job may be tried again after a failure with these names. */
export function mayRetry(job: JobRecord, names: readonly string[]): boolean {
  const text = job.text("x_retry_on");
  if (text === undefined) return true;
  let wanted: unknown;
  try {
    wanted = JSON.parse(text);
  } catch {
    return true; // what nobody can read excludes nothing
  }
  return !isListOfNames(wanted) || wanted.some((name) => names.includes(name));
}
