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
/** How many passes a worker skips after another one has had its turn: asking costs a command each time. */
const LEFT_TO_OTHERS = 2;

/**
 * RQ's `rq worker --with-scheduler`: queues the scheduled jobs of the worker's queues that are due, every second. Of
 * several workers with the same queues, one does it for all. A queue whose lock a Python scheduler holds is left to
 * that scheduler.
 */
export class Scheduler extends Service {
  readonly #options: SchedulerOptions;
  readonly #pass: string;
  #toSkip = 0;
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
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return 0;
    }
    const { sweeps } = this.#options;
    if (await sweeps.takeTurn(this.#pass, INTERVAL_MS / 2)) {
      return await this.promote();
    }
    this.#toSkip = LEFT_TO_OTHERS;
    return 0;
  }

  /** One pass; tells how many jobs were queued. A queue that cannot be looked at does not keep the others from it. */
  async promote(signal: AbortSignal = this.stopping): Promise<number> {
    const { sweeps, queues, onError } = this.#options;
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
