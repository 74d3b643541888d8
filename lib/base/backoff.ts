/**
 * Exponential backoff.
 *
 * @module
 */

/** The bounds of {@linkcode backoff}. */
export interface BackoffOptions {
  /**
   * The upper bound of the first wait, in milliseconds.
   *
   * @default 50
   */
  readonly base?: number;
  /**
   * The upper bound of every wait, in milliseconds.
   *
   * @default 2_000
   */
  readonly cap?: number;
  /**
   * Returns numbers from 0 to below 1.
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/**
 * How many milliseconds to wait before the next try, after `failures` failures in a
 * row. The upper bound doubles with each failure up to the cap, and the wait is
 * random below it (full jitter): a thousand workers that lost one server
 * come back spread out rather than in step.
 */
export function backoff(
  failures: number,
  options: BackoffOptions = {},
): number {
  const { base = 50, cap = 2_000, random = Math.random } = options;
  return random() * Math.min(cap, base * 2 ** failures);
}
