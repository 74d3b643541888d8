/**
 * The time limit of a job.
 *
 * @module
 */

import type { Alarm, Alarms } from "../base/alarms.ts";

/** The options of a {@linkcode TimeLimit}. */
export interface TimeLimitOptions {
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly killGrace: number;
  /** Asks the job to stop: its `AbortSignal`. */
  readonly abort: () => void;
  /** Sends a signal to the job's process group. */
  readonly kill: (signal: Deno.Signal) => void;
  /** The timers. */
  readonly alarms: Alarms;
}

/** Milliseconds from the job's `AbortSignal` to SIGTERM. */
export const ABORT_GRACE = 500;

/**
 * Milliseconds within which a subprocess must report that it has begun a job. Otherwise it is blocked by leftovers of
 * an earlier job, or another program reads its control pipe.
 */
export const START_LIMIT = 10_000;

/** Stops a job step by step when its time is up: first the `AbortSignal`, then SIGTERM, then SIGKILL. */
export class TimeLimit implements Disposable {
  readonly #options: TimeLimitOptions;
  #alarm: Alarm | undefined;
  #passed = false;

  /**
   * Starts counting.
   *
   * @param seconds The limit; below 0 there is none.
   */
  constructor(seconds: number, options: TimeLimitOptions) {
    this.#options = options;
    if (seconds >= 0) this.#wait(seconds * 1_000, () => this.#pass());
  }

  /** Stops counting; returns whether the limit had passed. */
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
