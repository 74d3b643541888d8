/**
 * Tells when something takes longer than it may.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK, type Timer } from "../base/clock.ts";

/** The longest delay that a timer can have. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * One timer for one thing after the other. A timer of its own for each of them
 * would cost more than most calls to Redis do.
 */
export class Watchdog {
  readonly #onLate: (patience: number) => void;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #rings = Infinity;
  #deadline = Infinity;
  #patience = Infinity;

  /** Is told of the milliseconds that were too few. */
  constructor(
    onLate: (patience: number) => void,
    clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#onLate = onLate;
    this.#clock = clock;
  }

  /** Begins to watch, instead of what was watched before; `now` is what the clock says. */
  watch(patience: number, now: number): void {
    this.#patience = patience;
    this.#deadline = patience > MAX_DELAY ? Infinity : now + patience;
    if (this.#deadline < this.#rings) this.#set(patience, now);
  }

  /** It has come in time. The timer stays, since the next thing needs it mostly, but keeps no program from ending. */
  rest(): void {
    this.#deadline = Infinity;
  }

  /** Leaves no timer. */
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
