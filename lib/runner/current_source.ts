/**
 * The way from a job's code to the job that is running.
 *
 * @module
 */

import type { CurrentJob } from "./current.ts";

/**
 * Under this symbol the subprocess leaves that way: a job's import of `current.ts`
 * may be another instance of it, by another URL, than the subprocess's own.
 */
const CURRENT: unique symbol = Symbol.for("deno-rq.current");

/** Tells where the running job is to be found. Called by the subprocess, once. */
export function setCurrentJobSource(
  source: () => CurrentJob | undefined,
): void {
  Object.defineProperty(globalThis, CURRENT, { value: source });
}

/** The job that is running, if there is one. */
export function runningJob(): CurrentJob | undefined {
  const source = (globalThis as { [CURRENT]?: () => CurrentJob | undefined })[
    CURRENT
  ];
  return source?.();
}
