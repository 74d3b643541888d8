/**
 * A timeout for one operation after another.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK, type Timer } from "../base/clock.ts";
import { MAX_DELAY } from "../base/timers.ts";

/**
 * Calls back when an operation takes too long. It keeps one timer for all: a
 * timer for each operation would cost more than most calls to Redis do.
 */
export class Watchdog {
  readonly #onLate: (patience: number) => void;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #rings = Infinity;
  #deadline = Infinity;
  #patience = Infinity;

  /** `onLate` is called with the number of milliseconds that were exceeded. */
  constructor(
    onLate: (patience: number) => void,
    clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#onLate = onLate;
    this.#clock = clock;
  }

  /** Starts to watch an operation, in place of the one before; `now` is the clock's time. */
  watch(patience: number, now: number): void {
    this.#patience = patience;
    this.#deadline = patience > MAX_DELAY ? Infinity : now + patience;
    if (this.#deadline < this.#rings) this.#set(patience, now);
  }

  /** The operation ended in time. Keeps the timer, which is unreferenced, for the next one. */
  rest(): void {
    this.#deadline = Infinity;
  }

  /** Stops watching, and clears the timer. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#rings = Infinity;
    this.#deadline = Infinity;
  }

  #set(delay: number, now: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#rings = now + delay;
    this.#timer = this.#clock.setTimeout(() => this.#ring(), delay);
    // While a reply is awaited, its socket keeps the program running.
    this.#clock.unrefTimer(this.#timer);
  }

  #ring(): void {
    this.#rings = Infinity;
    const now = this.#clock.now();
    const left = this.#deadline - now;
    // Timers may fire a fraction of a millisecond early.
    if (left <= 1) {
      this.#deadline = Infinity;
      this.#onLate(this.#patience);
    } else if (left < Infinity) this.#set(left, now);
  }
}
