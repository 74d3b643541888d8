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
  /**
   * What happens if there is a job of the key already; for a `concurrency` of 1. With `"queue"`, the new one waits for its
   * turn. With `"skip"`, it is not enqueued, and the call gives the one that is queued, runs or waits. With `"keepLatest"`,
   * those that wait are canceled, and the new one waits for the one that runs. With `"cancelRunning"`, that one is canceled
   * too, and the new one runs.
   *
   * For a job that waits for a time or for other jobs, this is decided once it does not, and `"skip"` means that it is
   * canceled then. A job that is tried again, repeated or requeued waits for its turn.
   *
   * @default "queue"
   */
  readonly onConflict?: OnConflict;
}

/** See {@linkcode RateLimit.onConflict}. */
export type OnConflict = "queue" | "skip" | "keepLatest" | "cancelRunning";

const ON_CONFLICT: readonly OnConflict[] = [
  "queue",
  "skip",
  "keepLatest",
  "cancelRunning",
];

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
  readonly onConflict: OnConflict;
}

const OPTIONS = optionNames<Required<RateLimit>>({
  key: true,
  concurrency: true,
  limit: true,
  per: true,
  onConflict: true,
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
    onConflict: checkOnConflict(limit),
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
  { key, concurrency, window, onConflict }: CheckedRateLimit,
): [JobField, string | number][] {
  const fields: [JobField, string | number][] = [["rate_limit_key", key]];
  if (concurrency !== undefined) {
    fields.push(["rate_limit_concurrency", concurrency]);
  }
  if (window !== undefined) {
    fields.push(["x_rate_starts", window.starts], ["x_rate_per", window.per]);
  }
  if (onConflict !== "queue") fields.push(["x_on_conflict", onConflict]);
  return fields;
}

function checkOnConflict(
  { onConflict = "queue", concurrency }: RateLimit,
): OnConflict {
  if (!ON_CONFLICT.includes(onConflict)) {
    throw new RangeError(
      `Cannot use rateLimit: expected ${
        ON_CONFLICT.join(", ")
      } as its onConflict, got ${String(onConflict)}`,
    );
  }
  if (onConflict !== "queue" && concurrency !== 1) {
    throw new TypeError(
      `Cannot use rateLimit: its onConflict "${onConflict}" is for a concurrency of 1, got ${
        String(concurrency)
      }`,
    );
  }
  return onConflict;
}

function countOf(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new RangeError(
    `Cannot use rateLimit: expected a whole number from 1 to ${MOST} as its ${what}, got ${
      String(value)
    }`,
  );
}
