/**
 * What happens to a job whose time is up, step by step.
 *
 * @module
 */

import type { Alarm, Alarms } from "../base/alarms.ts";

/** What a time limit does, and when. */
export interface TimeLimitOptions {
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly killGrace: number;
  /** Asks the job to stop: its `AbortSignal`. */
  readonly abort: () => void;
  /** Sends a signal to the job's process group. */
  readonly kill: (signal: Deno.Signal) => void;
  /** Keeps the time. */
  readonly alarms: Alarms;
}

/** Milliseconds from the job's `AbortSignal` to SIGTERM. */
export const ABORT_GRACE = 500;

/**
 * Milliseconds in which a subprocess that waits for a job has to say that it has begun one. Else it does not hear: what
 * a job before has left there holds the processor, or somebody else reads its control pipe.
 */
export const START_LIMIT = 10_000;

/** Counts from its creation: first the `AbortSignal`, then SIGTERM, then SIGKILL. */
export class TimeLimit implements Disposable {
  readonly #options: TimeLimitOptions;
  #alarm: Alarm | undefined;
  #passed = false;

  /**
   * Starts the clock.
   *
   * @param seconds the limit; below 0 there is none
   */
  constructor(seconds: number, options: TimeLimitOptions) {
    this.#options = options;
    if (seconds >= 0) this.#wait(seconds * 1_000, () => this.#pass());
  }

  /** Stops the clock; tells whether the limit had passed. */
  stop(): boolean {
    this.#options.alarms.clear(this.#alarm);
    return this.#passed;
  }

  /** The same as {@linkcode TimeLimit.stop}. */
  [Symbol.dispose](): void {
    this.stop();
  }

  #pass(): void {
    this.#passed = true;
    const { abort, kill, killGrace } = this.#options;
    abort();
    this.#wait(ABORT_GRACE, () => {
      kill("SIGTERM");
      this.#wait(killGrace, () => kill("SIGKILL"));
    });
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#alarm = this.#options.alarms.set(milliseconds, then);
  }
}
