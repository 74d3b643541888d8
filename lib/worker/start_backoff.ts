/**
 * The backoff of a worker that cannot begin jobs, because no process starts or by a fault of its own.
 *
 * @module
 */

import { CannotStartError } from "./errors.ts";
import { SILENT, type WorkerLog } from "./log.ts";

/** Milliseconds until the second attempt; each further pause is twice as long. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

/** The options of a {@linkcode StartBackoff}. */
export interface StartBackoffOptions {
  readonly log?: WorkerLog;
  /** Milliseconds of failing attempts after which to give up. @default 60_000 */
  readonly patience?: number;
  /** A clock in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** Keeps a worker from claiming jobs that it cannot run, and decides when to give up. */
export class StartBackoff {
  readonly #log: WorkerLog;
  readonly #patience: number;
  readonly #now: () => number;
  #failures = 0;
  #since = 0;
  #last = -Infinity;
  #until = 0;
  #hopeless: CannotStartError | undefined;

  /** Starts without failures. */
  constructor(options: StartBackoffOptions = {}) {
    const { log = SILENT, patience = 60_000 } = options;
    this.#log = log;
    this.#patience = patience;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Call it when a job could not be begun and goes back to its queue. */
  failed(why: string): void {
    const now = this.#now();
    // After a long time without jobs, and so without attempts, counting starts anew.
    const isNew = now - this.#last > this.#patience + LONGEST_PAUSE;
    if (this.#failures === 0 || isNew) this.#since = now;
    this.#last = now;
    if (now < this.#until) return; // begun together with one that has failed already
    if (this.#failures === 0) {
      this.#log.error(
        `${why}; jobs are put back, and tried again until one can be begun`,
      );
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#until = now + pause;
    if (this.#failures < 2 || now - this.#since < this.#patience) return;
    const seconds = Math.round((now - this.#since) / 1_000);
    this.#hopeless = new CannotStartError(
      `Cannot run jobs: none could be begun for ${seconds} seconds: ${why}`,
    );
  }

  /** Call it when a job was begun. */
  succeeded(): void {
    if (this.#failures === 0) return;
    this.#log.warn("Jobs can be begun again");
    this.#failures = 0;
    this.#until = 0;
    this.#hopeless = undefined;
  }

  /** Whether the last job could not be begun: then no more than one is tried at a time. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** For how many milliseconds no job should be claimed. */
  pauseMs(): number {
    return this.#failures === 0 ? 0 : Math.max(0, this.#until - this.#now());
  }

  /** The error to give up with, if no job has been begun for too long. */
  get hopeless(): CannotStartError | undefined {
    return this.#hopeless;
  }
}
