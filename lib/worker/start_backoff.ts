/**
 * What a worker does while no process can be started for its jobs.
 *
 * @module
 */

import { CannotStartError } from "./errors.ts";
import { SILENT, type WorkerLog } from "./log.ts";

/** Milliseconds until the first new attempt; each further pause is twice as long. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

/** What a {@linkcode StartBackoff} works with. */
export interface StartBackoffOptions {
  readonly log?: WorkerLog;
  /** Milliseconds without a single start after which the worker gives up. @default 60_000 */
  readonly patience?: number;
  /** A clock in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** Keeps a worker from claiming jobs that it cannot run, and ends it if that does not change. */
export class StartBackoff {
  readonly #log: WorkerLog;
  readonly #patience: number;
  readonly #now: () => number;
  #failures = 0;
  #since = Infinity;
  #until = 0;
  #why = "";

  /** Nothing has failed yet. */
  constructor(options: StartBackoffOptions = {}) {
    const { log = SILENT, patience = 60_000 } = options;
    this.#log = log;
    this.#patience = patience;
    this.#now = options.now ?? (() => performance.now());
  }

  /** No process could be started for a job, which goes back to its queue. */
  failed(why: string): void {
    const now = this.#now();
    this.#why = why;
    this.#since = Math.min(this.#since, now);
    if (now < this.#until) return; // one more of those that were begun together
    if (this.#failures === 0) {
      this.#log.error(
        `${why}; jobs are put back, trying again until a process starts`,
      );
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#until = now + pause;
  }

  /** A process was started. */
  succeeded(): void {
    if (this.#failures === 0) return;
    this.#log.warn("Processes can be started again");
    this.#failures = 0;
    this.#since = Infinity;
    this.#until = 0;
  }

  /** For how many milliseconds no job is to be claimed. */
  pauseMs(): number {
    return Math.max(0, this.#until - this.#now());
  }

  /** @throws {CannotStartError} if no process has been started for too long */
  throwIfHopeless(): void {
    const seconds = Math.round((this.#now() - this.#since) / 1_000);
    if (this.#failures < 2 || this.#now() - this.#since < this.#patience) {
      return;
    }
    throw new CannotStartError(
      `Cannot run jobs: no process could be started for ${seconds} seconds: ${this.#why}`,
    );
  }
}
