/**
 * Replaces the workers of a pool, one after the other.
 *
 * @module
 */

import type { SteadyLog } from "./log.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** The options of a {@linkcode RollingRestart}. */
export interface RollingRestartOptions {
  /** The workers that were not told to leave. */
  readonly staying: () => readonly PoolWorker[];
  /** Starts one more; `undefined` if that fails. */
  readonly startOne: () => PoolWorker | undefined;
  readonly isStopping: () => boolean;
  readonly log: SteadyLog;
}

/** See the module. */
export class RollingRestart {
  readonly #options: RollingRestartOptions;
  #running: Promise<void> | undefined;
  #isWanted = false;

  /** Does nothing before {@linkcode RollingRestart.run}. */
  constructor(options: RollingRestartOptions) {
    this.#options = options;
  }

  /** Whether it is in progress. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Replaces the workers that there are; once more if it is called meanwhile, since what has changed may have been read. */
  async run(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#runWhileWanted();
    await this.#running;
  }

  async #runWhileWanted(): Promise<void> {
    try {
      while (this.#isWanted && !this.#options.isStopping()) {
        this.#isWanted = false;
        await this.#runOnce();
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Never has fewer workers than before. If a new one fails, the old ones stay: the next would fail as well. */
  async #runOnce(): Promise<void> {
    const { staying, startOne, isStopping, log } = this.#options;
    const old = staying();
    log.info(`Restarting ${old.length} workers, one after the other`);
    for (const worker of old) {
      if (isStopping()) return;
      if (!staying().includes(worker)) continue; // it has been replaced since
      const isListening = await startOne()?.listening ?? false;
      if (isStopping()) return;
      if (!isListening) {
        log.error("The new worker does not listen: the old ones stay");
        return;
      }
      worker.leave();
    }
  }
}
