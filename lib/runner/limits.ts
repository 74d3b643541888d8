/**
 * Validates limits of a runner.
 *
 * @module
 */

import { MAX_DELAY } from "../base/timers.ts";

/**
 * Checks that a value is a number of milliseconds for a timer.
 *
 * @throws {RangeError} It names the option.
 */
export function checkTime(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= MAX_DELAY)) return;
  throw new RangeError(
    `Cannot run jobs: ${name} must be from 0 to ${MAX_DELAY} milliseconds, got ${value}`,
  );
}

/** Megabytes that Deno needs without a job, and some for the job. */
const LEAST_MEMORY_MB = 64;

/**
 * Refuses a memory limit that is too low for any subprocess.
 *
 * @throws {RangeError} It names the option.
 */
export function checkMemory(bytes: number | undefined): void {
  const least = LEAST_MEMORY_MB * 1024 * 1024;
  if (bytes === undefined || (Number.isInteger(bytes) && bytes >= least)) {
    return;
  }
  throw new RangeError(
    `Cannot run jobs: jobMemory must be at least ${least} bytes (${LEAST_MEMORY_MB} MB), got ${bytes}`,
  );
}
