/**
 * Queues scheduled jobs when their time has come.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { SweepStore } from "../store/sweep_store.ts";

/** The options of a {@linkcode Scheduler}. */
export interface SchedulerOptions {
  readonly sweeps: SweepStore;
  readonly queues: readonly string[];
  readonly onError: (error: unknown) => void;
}

/** Milliseconds between two passes. */
const INTERVAL_MS = 1_000;
/**
 * How many passes one turn is for, and how many a worker skips that did not get it: asking costs a command each time. If
 * the worker with the turn dies, the next pass comes after twice that time at the latest.
 */
const PASSES = 3;

/**
 * RQ's `rq worker --with-scheduler`: queues the scheduled jobs of the worker's queues that are due, every second. Of
 * several workers with the same queues, one does it for all. A queue whose lock a Python scheduler holds is left to
 * that scheduler.
 */
export class Scheduler extends Service {
  readonly #options: SchedulerOptions;
  readonly #pass: string;
  /** How many passes are left of a turn, of this worker or of another one. */
  #left = 0;
  #isTurn = false;
  /** The last error of each queue, so that it is not reported every second. */
  readonly #told = new Map<string, string>();

  /** Any number of workers may have one. */
  constructor(options: SchedulerOptions) {
    const { queues, onError } = options;
    super({ name: "scheduler", interval: INTERVAL_MS, onError });
    this.#options = options;
    this.#pass = `scheduler:${queues.toSorted().join(",")}`;
  }

  /** One pass, if it is this worker's turn; tells how many jobs were queued. */
  override async runOnce(): Promise<number> {
    if (this.#left === 0) {
      const { sweeps } = this.#options;
      const ms = INTERVAL_MS * (PASSES - 0.5);
      this.#isTurn = await sweeps.takeTurn(this.#pass, ms);
      this.#left = PASSES;
    }
    this.#left--;
    return this.#isTurn ? await this.promote() : 0;
  }

  /** One pass; tells how many jobs were queued. A queue that cannot be looked at does not keep the others from it. */
  async promote(signal: AbortSignal = this.stopping): Promise<number> {
    const { sweeps, onError } = this.#options;
    const queues = await sweeps.having(
      sweeps.registryKeys(["scheduled"]),
      this.#options.queues,
    );
    const moved = await Promise.all(queues.map(async (queue) => {
      try {
        const count = await sweeps.promoteScheduled(queue, signal);
        this.#told.delete(queue);
        return count;
      } catch (error) {
        if (this.#told.get(queue) !== String(error)) onError(error);
        this.#told.set(queue, String(error));
        return 0;
      }
    }));
    return moved.reduce((sum, n) => sum + Math.max(n, 0), 0);
  }
}
