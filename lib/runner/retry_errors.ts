/**
 * What a job throws to say whether it is to be tried again.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { RETRY_WISH, type RetryWish } from "../job/retry_wish.ts";

/** Options of {@linkcode Retry}. */
export interface RetryRequest {
  /**
   * How long to wait: seconds, fractions too, or text.
   *
   * @default what the job's `retry` option says for its next retry, else at once
   */
  readonly in?: Duration;
  /**
   * How often the job may ask for a retry in all. Then it fails.
   *
   * @default what is left of the job's `retry` option; without one there is no limit
   */
  readonly max?: number;
  /** Why. It is kept with the attempt. */
  readonly cause?: unknown;
}

/**
 * Thrown or returned by a job, which is then tried again, whatever its `retryOn` says. It counts as a retry of the job's `retry`
 * option.
 *
 * @example
 * ```ts ignore
 * import { Retry } from "@deno-rq/rq/current";
 *
 * export async function fetchReport(url: string): Promise<string> {
 *   const response = await fetch(url);
 *   if (response.status === 202) throw new Retry({ in: "1m", max: 10 });
 *   return await response.text();
 * }
 * ```
 */
export class Retry extends Error {
  /** The class's name. */
  override readonly name = "Retry";

  /**
   * Asks for another try.
   *
   * @throws {RangeError} If `in` is no duration, or `max` no whole number from 1 on.
   */
  constructor(request: RetryRequest = {}) {
    const { max, cause } = request;
    const seconds = request.in === undefined
      ? undefined
      : parseDuration(request.in, "in", { zero: true, fraction: true });
    if (max !== undefined && (!Number.isSafeInteger(max) || max < 1)) {
      throw new RangeError(
        `Cannot use max ${max}: expected a whole number from 1 on`,
      );
    }
    const when = seconds === undefined ? "" : ` in ${seconds} seconds`;
    super(`The job asks to be tried again${when}`, cause ? { cause } : {});
    mark(this, {
      type: "again",
      ...(seconds === undefined ? {} : { in: seconds }),
      ...(max === undefined ? {} : { max }),
    });
  }
}

/**
 * Thrown by a job that is not to be tried again. It fails with `cause`.
 *
 * @example
 * ```ts ignore
 * import { DoNotRetry } from "@deno-rq/rq/current";
 *
 * export function parse(text: string): unknown {
 *   try {
 *     return JSON.parse(text);
 *   } catch (error) {
 *     throw new DoNotRetry(error); // it will be the same text next time
 *   }
 * }
 * ```
 */
export class DoNotRetry extends Error {
  /** The class's name. */
  override readonly name = "DoNotRetry";

  /**
   * Refuses another try.
   *
   * @param cause The job's error, or a text.
   */
  constructor(cause?: unknown) {
    super(
      typeof cause === "string" ? cause : "The job is not to be tried again",
      typeof cause === "string" || cause === undefined ? {} : { cause },
    );
    mark(this, { type: "never" });
  }
}

/** By a global symbol: the job may import this module by another URL, which makes it another class. */
function mark(error: Error, wish: RetryWish): void {
  Object.defineProperty(error, RETRY_WISH, { value: Object.freeze(wish) });
}
