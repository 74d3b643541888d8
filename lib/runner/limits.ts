/**
 * What the limits of a runner may be.
 *
 * @module
 */

/**
 * Refuses what is no number of milliseconds for a timer.
 *
 * @throws {RangeError} naming the option
 */
export function checkTime(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= 2 ** 31 - 1)) return;
  throw new RangeError(
    `Cannot run jobs: ${name} must be from 0 to ${
      2 ** 31 - 1
    } milliseconds, got ${value}`,
  );
}

/** Megabytes that a Deno without a job takes, with some for the job. */
const LEAST_MEMORY_MB = 64;

/**
 * Refuses a limit of memory below which no subprocess can live.
 *
 * @throws {RangeError} naming the option
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
