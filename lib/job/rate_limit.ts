/** The rate limit of a job. @module */

import { optionNames, unknownOption } from "../base/option_names.ts";

/** A limit for the jobs that name the same key, on whichever queues they are; RQ's `RateLimit`. */
export interface RateLimit {
  /** What the jobs have in common, such as `"mailserver"` or `"customer-7"`. */
  readonly key: string;
  /** How many of them may be queued or running at a time. The job that was enqueued last decides for all with the key. */
  readonly concurrency: number;
}

const OPTIONS = optionNames<RateLimit>({ key: true, concurrency: true });

/** What scripts take for a number of jobs. */
const MOST = 999_999_999;

/**
 * Checks a rate limit.
 *
 * @throws {RangeError | TypeError} It says what the limit could be.
 */
export function checkRateLimit(limit: RateLimit): RateLimit {
  const unknown = unknownOption(limit, OPTIONS, "Cannot use rateLimit");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use rateLimit: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { key, concurrency } = limit;
  if (typeof key !== "string") {
    throw new TypeError(
      `Cannot use rateLimit: expected text as its key, got ${typeof key}`,
    );
  }
  if (key === "") {
    throw new RangeError("Cannot use rateLimit: its key is empty");
  }
  if (
    !Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST
  ) {
    throw new RangeError(
      `Cannot use rateLimit: expected a whole number from 1 to ${MOST} as its concurrency, got ${
        String(concurrency)
      }`,
    );
  }
  return { key, concurrency };
}
