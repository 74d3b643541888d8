/**
 * The time, for what waits: tests give it another one than the system's.
 *
 * @module
 */

/** What is to be done at a time, and can be taken back. */
export type Timer = ReturnType<typeof setTimeout>;

/** Tells the time, and wakes up. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Has something done once, after so many milliseconds: at most 2³¹ − 1, as for any timer. */
  setTimeout(ring: () => void, ms: number): Timer;
  /** Takes that back. Nothing happens if there is no such timer, or no longer. */
  clearTimeout(timer: Timer | undefined): void;
  /** Lets the program end all the same. */
  unrefTimer(timer: Timer): void;
}

/** The system's clock: `performance.now()` and `setTimeout()`. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimeout: (ring, ms) => setTimeout(ring, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  unrefTimer: (timer) => Deno.unrefTimer(timer),
};
