/**
 * Many points in time that are seldom reached, by one timer.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK, type Timer } from "./clock.ts";

/** Something that is to be done at a time, unless it is taken back. */
export interface Alarm {
  /** When, in milliseconds of the clock. */
  readonly at: number;
  /** What. */
  readonly ring: () => void;
}

/** The longest delay of a timer, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Holds alarms. A timer for each would cost more than the job whose time limit it watches; here
 * setting and taking back costs an entry in a set.
 */
export class Alarms implements Disposable {
  readonly #clock: Clock;
  readonly #alarms = new Set<Alarm>();
  #timer: Timer | undefined;
  #ringsAt = Infinity;

  /** None is set yet. */
  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** Has something done after so many milliseconds. */
  set(ms: number, ring: () => void): Alarm {
    const alarm = { at: this.#clock.now() + ms, ring };
    this.#alarms.add(alarm);
    if (alarm.at < this.#ringsAt) this.#arm(alarm.at);
    return alarm;
  }

  /** Takes an alarm back. The timer stays for the others. */
  clear(alarm: Alarm | undefined): void {
    if (alarm !== undefined) this.#alarms.delete(alarm);
  }

  /** Takes all back. */
  [Symbol.dispose](): void {
    this.#alarms.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#ringsAt = Infinity;
  }

  #arm(at: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#ringsAt = at;
    const ms = Math.min(Math.max(0, at - this.#clock.now()), MAX_DELAY);
    this.#timer = this.#clock.setTimeout(() => this.#ring(), ms);
  }

  #ring(): void {
    this.#ringsAt = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    const due: Alarm[] = [];
    for (const alarm of this.#alarms) {
      if (alarm.at <= now) due.push(alarm);
      else next = Math.min(next, alarm.at);
    }
    if (next < Infinity) this.#arm(next);
    due.sort((a, b) => a.at - b.at);
    for (const alarm of due) {
      if (this.#alarms.delete(alarm)) alarm.ring();
    }
  }
}
