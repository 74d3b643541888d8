/**
 * Waiting longer after each failure in a row.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** The bounds of {@linkcode backoff}. */
export interface BackoffOptions {
  /**
   * The bound of the first wait, in milliseconds.
   *
   * @default 50
   */
  readonly base?: number;
  /**
   * The bound that no wait exceeds, in milliseconds.
   *
   * @default 2_000
   */
  readonly cap?: number;
  /**
   * Gives numbers from 0 to below 1.
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/**
 * How many milliseconds to wait before the try after `failures` failures in a
 * row. The bound doubles with each failure up to the cap, and the wait is
 * anywhere below it (full jitter): a thousand workers that lost one server
 * then come back spread out rather than in step.
 */
export function backoff(
  failures: number,
  options: BackoffOptions = {},
): number {
  const { base = 50, cap = 2_000, random = Math.random } = options;
  return random() * Math.min(cap, base * 2 ** failures);
}

/** Waits for `milliseconds`, or until the signal is aborted; it never rejects. */
export function pause(
  milliseconds: number,
  signal: AbortSignal,
  clock: Clock = SYSTEM_CLOCK,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) {
    resolve();
    return promise;
  }
  const finish = () => {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", finish);
    resolve();
  };
  const timer = clock.setTimeout(finish, milliseconds);
  signal.addEventListener("abort", finish);
  return promise;
}
