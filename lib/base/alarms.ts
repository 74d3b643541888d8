/**
 * Many points in time that are seldom reached, by one timer.
 *
 * @module
 */

/** Something that is to be done at a time, unless it is taken back. */
export interface Alarm {
  /** When, on the clock of `performance.now()`. */
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
  readonly #alarms = new Set<Alarm>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ringsAt = Infinity;

  /** Has something done after so many milliseconds. */
  set(ms: number, ring: () => void): Alarm {
    const alarm = { at: performance.now() + ms, ring };
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
    clearTimeout(this.#timer);
    this.#ringsAt = Infinity;
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#ringsAt = at;
    const ms = Math.min(Math.max(0, at - performance.now()), MAX_DELAY);
    this.#timer = setTimeout(() => this.#ring(), ms);
  }

  #ring(): void {
    this.#ringsAt = Infinity;
    const now = performance.now();
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
