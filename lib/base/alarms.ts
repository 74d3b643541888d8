/**
 * One timer for many deadlines, most of which are cleared before they come.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK, type Timer } from "./clock.ts";
import { MAX_DELAY } from "./timers.ts";

/** A callback that is due at some time, unless it is cleared. */
export interface Alarm {
  /** When it is due, in milliseconds of the clock. */
  readonly at: number;
  /** Called when it is due. */
  readonly ring: () => void;
}

/**
 * A set of alarms behind one timer. A timer per alarm would cost more than a short job, whose time limit it
 * watches; here setting and clearing an alarm costs an entry in a set.
 */
export class Alarms implements Disposable {
  readonly #clock: Clock;
  readonly #alarms = new Set<Alarm>();
  #timer: Timer | undefined;
  #ringsAt = Infinity;

  /** Starts without alarms. */
  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** Sets an alarm that is due in `ms` milliseconds. */
  set(ms: number, ring: () => void): Alarm {
    const alarm = { at: this.#clock.now() + ms, ring };
    this.#alarms.add(alarm);
    if (alarm.at < this.#ringsAt) this.#arm(alarm.at);
    return alarm;
  }

  /** Clears an alarm. The timer stays for the others. */
  clear(alarm: Alarm | undefined): void {
    if (alarm !== undefined) this.#alarms.delete(alarm);
  }

  /** Clears all alarms. */
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
