/**
 * When a pool replaces a worker that has ended.
 *
 * @module
 */

/** A worker that lived so long was no failed start, in milliseconds. */
const STABLE_MS = 10_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/**
 * A worker that has worked for a while is replaced at once. Where they die right after their start, whatever is wrong
 * keeps the others from starting as well: so the pause is one for all, and doubles.
 */
export class RespawnBackoff {
  readonly #now: () => number;
  #failures = 0;
  #until = -Infinity;

  /** @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Call it when a worker has died that nobody told to leave. */
  died(livedMs: number): void {
    if (livedMs >= STABLE_MS) {
      this.#failures = 0;
      return;
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#until = Math.max(this.#until, this.#now() + pause);
  }

  /** For how many milliseconds no worker should be started. */
  pauseMs(): number {
    return Math.max(0, this.#until - this.#now());
  }
}
