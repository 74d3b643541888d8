/**
 * How jobs are kept apart.
 *
 * @module
 */

/**
 * - `process`: each job has a fresh process of its own
 * - `reuse`: a process serves jobs one after the other, which share its memory; it ends after a job that failed
 * - `shared`: one process runs all jobs side by side, for trusted small ones; it ends when one of them
 *   does not stop at its time limit, and the others are run again
 */
export type Isolation = "process" | "reuse" | "shared";

/** The ways, the strictest first. */
export const ISOLATIONS: readonly Isolation[] = ["process", "reuse", "shared"];

/** Tells whether a value names one of the ways. */
export function isIsolation(value: unknown): value is Isolation {
  return (ISOLATIONS as readonly unknown[]).includes(value);
}

/**
 * Checks the name of a way.
 *
 * @throws {RangeError} if there is no such way
 */
export function checkIsolation(value: unknown): Isolation {
  if (isIsolation(value)) return value;
  throw new RangeError(
    `Cannot use isolation ${JSON.stringify(value)}: expected ${
      ISOLATIONS.join(", ")
    }`,
  );
}

/** The one of two ways that keeps jobs further apart. */
export function stricter(a: Isolation, b: Isolation): Isolation {
  return ISOLATIONS.indexOf(a) < ISOLATIONS.indexOf(b) ? a : b;
}
