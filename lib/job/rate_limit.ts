/** The rate limit of a job. @module */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";
import { FAIR_PREFIX } from "./fair_key.ts";
import type { JobField } from "./fields.ts";

/**
 * A limit for the jobs that name the same key, on whichever queues they are; RQ's `RateLimit`, and windows of time. The job
 * that was enqueued last decides what holds for all with its key, those that wait included.
 */
export interface RateLimit {
  /** What the jobs have in common, such as `"mailserver"` or `"customer-7"`. */
  readonly key: string;
  /**
   * How many of them may be queued or running at a time.
   *
   * @default any number, if there is a `limit`
   */
  readonly concurrency?: number;
  /**
   * How many of them may start within any time as long as `per`, wherever it begins. A job starts when a worker takes it.
   *
   * @default any number, if there is a `concurrency`
   */
  readonly limit?: number;
  /** The length of that time: seconds, fractions too, or text such as `"1m"`. It goes with `limit`. */
  readonly per?: Duration;
}

/** {@linkcode RateLimit} as the default of a queue's jobs. */
export interface QueueRateLimit extends Omit<RateLimit, "key"> {
  /**
   * What the jobs have in common.
   *
   * @default the name of the queue
   */
  readonly key?: string;
}

/** {@linkcode RateLimit} after the check, as it is stored. */
export interface CheckedRateLimit {
  readonly key: string;
  readonly concurrency: number | undefined;
  readonly window:
    | { readonly starts: number; readonly per: number }
    | undefined;
}

const OPTIONS = optionNames<Required<RateLimit>>({
  key: true,
  concurrency: true,
  limit: true,
  per: true,
});

/** What scripts take for a number of jobs. */
const MOST = 999_999_999;

/**
 * Checks a rate limit.
 *
 * @throws {RangeError | TypeError} It says what the limit could be.
 */
export function checkRateLimit(limit: RateLimit): CheckedRateLimit {
  const unknown = unknownOption(limit, OPTIONS, "Cannot use rateLimit");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use rateLimit: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { key, concurrency, limit: starts, per } = limit;
  if (typeof key !== "string") {
    throw new TypeError(
      `Cannot use rateLimit: expected text as its key, got ${typeof key}`,
    );
  }
  if (key === "") {
    throw new RangeError("Cannot use rateLimit: its key is empty");
  }
  if (key.startsWith(FAIR_PREFIX)) {
    throw new RangeError(
      `Cannot use rateLimit: keys that begin with "${FAIR_PREFIX}" are those of fairKey`,
    );
  }
  if ((starts === undefined) !== (per === undefined)) {
    const [given, missing] = per === undefined
      ? ["limit", "per"]
      : ["per", "limit"];
    throw new TypeError(
      `Cannot use rateLimit: there is a ${given} and no ${missing}, expected both, such as { limit: 10, per: "1s" }`,
    );
  }
  if (concurrency === undefined && starts === undefined) {
    throw new TypeError(
      "Cannot use rateLimit: expected a concurrency, or a limit with its per",
    );
  }
  return {
    key,
    concurrency: concurrency === undefined
      ? undefined
      : countOf(concurrency, "concurrency"),
    window: starts === undefined ? undefined : {
      starts: countOf(starts, "limit"),
      per: parseDuration(per!, "per of rateLimit", { fraction: true }),
    },
  };
}

/** Checks the rate limit of a queue's jobs, whose key is the queue's name if it has no other. */
export function checkQueueRateLimit(
  limit: QueueRateLimit,
  queue: string,
): CheckedRateLimit {
  const isObject = typeof limit === "object" && limit !== null;
  return checkRateLimit(
    isObject ? { ...limit, key: limit.key ?? queue } : limit as RateLimit,
  );
}

/** The fields that a rate limit is stored as: RQ's, where it has some. */
export function rateLimitFields(
  { key, concurrency, window }: CheckedRateLimit,
): [JobField, string | number][] {
  const fields: [JobField, string | number][] = [["rate_limit_key", key]];
  if (concurrency !== undefined) {
    fields.push(["rate_limit_concurrency", concurrency]);
  }
  if (window !== undefined) {
    fields.push(["x_rate_starts", window.starts], ["x_rate_per", window.per]);
  }
  return fields;
}

function countOf(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new RangeError(
    `Cannot use rateLimit: expected a whole number from 1 to ${MOST} as its ${what}, got ${
      String(value)
    }`,
  );
}
