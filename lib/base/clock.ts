/**
 * The clock that everything that waits is given, so that tests can inject a fake one.
 *
 * @module
 */

import { unrefTimer } from "./platform.ts";

/** A handle from {@linkcode Clock.setTimeout}. */
export type Timer = ReturnType<typeof setTimeout>;

/** Time and timers. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number;
  /** Calls `ring` once, after `ms` milliseconds, of which there can be `MAX_DELAY` at most. */
  setTimeout(ring: () => void, ms: number): Timer;
  /** Clears a timer. Does nothing if there is no such timer, or no longer. */
  clearTimeout(timer: Timer | undefined): void;
  /** Lets the program end while the timer is set. */
  unrefTimer(timer: Timer): void;
}

/** The system's clock: `performance.now()` and `setTimeout()`. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimeout: (ring, ms) => setTimeout(ring, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  unrefTimer,
};
