/** A clock whose time passes only when the test says so. */

import type { Clock, Timer } from "../../lib/base/clock.ts";
import { MAX_DELAY } from "../../lib/base/timers.ts";

interface Waiting {
  readonly due: number;
  readonly ring: () => void;
  holds: boolean;
}

/** Timers fire in their order, each exactly at its time. */
export class FakeClock implements Clock {
  readonly #timers = new Map<Timer, Waiting>();
  #now = 1_000_000;

  now(): number {
    return this.#now;
  }

  setTimeout(ring: () => void, ms: number): Timer {
    if (ms > MAX_DELAY) {
      throw new RangeError(`A timer of ${ms} ms rings at once`);
    }
    // Nobody looks into what stands for a timer.
    const timer = {} as Timer;
    this.#timers.set(timer, { due: this.#now + ms, ring, holds: true });
    return timer;
  }

  clearTimeout(timer: Timer | undefined): void {
    if (timer !== undefined) this.#timers.delete(timer);
  }

  unrefTimer(timer: Timer): void {
    const found = this.#timers.get(timer);
    if (found !== undefined) found.holds = false;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** How many of them keep the program from ending. */
  get holding(): number {
    return [...this.#timers.values()].filter(({ holds }) => holds).length;
  }

  /** Lets time pass. A timer that fires may set another, and code that awaits it goes on. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].toSorted(([, a], [, b]) =>
        a.due - b.due
      );
      if (next === undefined || next[1].due > end) break;
      const [timer, { due, ring }] = next;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, due);
      ring();
      await turn();
    }
    this.#now = end;
    await turn();
  }

  /** Lets time pass without firing timers, as if the thread were blocked. */
  stall(ms: number): void {
    this.#now += ms;
  }
}

/** Lets the reactions of all settled promises run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
