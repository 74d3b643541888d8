/** Running a job again after each success. @module */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";

/** How often a job that succeeds is run again, and when. */
export interface Repeat {
  /** How often it is run again after the first time: a whole number from 1 on, or `Infinity` for ever. */
  readonly times: number;
  /**
   * How long after a success the next run is due: seconds, fractions too, or text. Of a list, each repeat uses the next
   * one, and all further ones the last.
   *
   * @default 0, at once
   */
  readonly interval?: Duration | readonly Duration[];
}

/** {@linkcode Repeat} after the check, as it is stored. */
export interface CheckedRepeat {
  readonly times: number;
  /** In seconds; at least one. */
  readonly intervals: readonly number[];
}

const OPTIONS = optionNames<Required<Repeat>>({ times: true, interval: true });

/**
 * What is stored for `Infinity`. RQ's field takes nothing but numbers; this one is exact in Lua and lasts for 285 years
 * with a million runs a second, and Python's workers count it down like any other.
 */
export const FOR_EVER: number = Number.MAX_SAFE_INTEGER;

/**
 * For the option `repeat`: runs a job again each time that it succeeds. A failure that is not retried ends that, and so
 * does `job.cancel()`.
 *
 * @throws {RangeError | TypeError} If it cannot be repeated like that.
 *
 * @example
 * ```ts ignore
 * await queue.enqueueCall({
 *   func: "jobs.feeds.fetch",
 *   repeat: repeat({ times: Infinity, interval: "15m" }),
 * });
 * ```
 */
export function repeat(options: Repeat): Repeat {
  const { times, intervals } = checkRepeat(options);
  return { times, interval: intervals };
}

/** Checks the option `repeat`. */
export function checkRepeat(value: Repeat): CheckedRepeat {
  const unknown = unknownOption(value, OPTIONS, "Cannot use repeat");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use repeat: there is no option "${unknown}", there are times and interval`,
    );
  }
  const { times, interval = 0 } = value;
  const isCount = Number.isSafeInteger(times) && times >= 1;
  if (!isCount && times !== Infinity) {
    throw new RangeError(
      `Cannot use repeat: expected times to be a whole number from 1, or Infinity for ever, got ${
        String(times)
      }`,
    );
  }
  const list: readonly Duration[] = isList(interval) ? interval : [interval];
  if (list.length === 0) {
    throw new RangeError(
      "Cannot use repeat: its list of intervals is empty, expected at least one",
    );
  }
  return {
    times: Math.min(times, FOR_EVER),
    // those beyond the last repeat would never be used
    intervals: list.map(secondsOf).slice(0, times),
  };
}

function secondsOf(interval: Duration): number {
  const label = "interval of repeat";
  return parseDuration(interval, label, { zero: true, fraction: true });
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
