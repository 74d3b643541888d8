/**
 * The isolation of jobs: which jobs share a process.
 *
 * @module
 */

/**
 * - `process`: each job runs in a fresh process
 * - `reuse`: a process runs jobs one after the other, which share its memory; it ends after a job that failed
 * - `shared`: one process runs all jobs concurrently, for small and trusted ones; it is killed when one of them
 *   does not stop at its time limit, and the others run again
 */
export type Isolation = "process" | "reuse" | "shared";

/** All isolations, the strictest first. */
export const ISOLATIONS: readonly Isolation[] = ["process", "reuse", "shared"];

/** Whether a value names an isolation. */
export function isIsolation(value: unknown): value is Isolation {
  return (ISOLATIONS as readonly unknown[]).includes(value);
}

/**
 * Returns the value if it names an isolation.
 *
 * @throws {RangeError} If it does not.
 */
export function checkIsolation(value: unknown): Isolation {
  if (isIsolation(value)) return value;
  throw new RangeError(
    `Cannot use isolation ${JSON.stringify(value)}: expected ${
      ISOLATIONS.join(", ")
    }`,
  );
}

/** The stricter of two isolations. */
export function stricter(a: Isolation, b: Isolation): Isolation {
  return ISOLATIONS.indexOf(a) < ISOLATIONS.indexOf(b) ? a : b;
}
