/**
 * Queues scheduled jobs when their time has come.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { WorkerStore } from "../store/worker_store.ts";

/** What a {@linkcode Scheduler} works with. */
export interface SchedulerOptions {
  readonly store: WorkerStore;
  readonly queues: readonly string[];
  readonly onError: (error: unknown) => void;
}

/** RQ's `rq worker --with-scheduler`: looks at the scheduled jobs of the worker's queues every second. */
export class Scheduler extends Service {
  readonly #options: SchedulerOptions;
  #ran = false;

  /** Any number of workers may have one. */
  constructor(options: SchedulerOptions) {
    super({ name: "scheduler", interval: 1_000, onError: options.onError });
    this.#options = options;
  }

  /** One pass; tells how many jobs were queued. */
  override async runOnce(): Promise<number> {
    const { store, queues } = this.#options;
    const moved = await Promise.all(
      queues.map((queue) => store.promoteScheduled(queue)),
    );
    this.#ran = true;
    return moved.reduce((sum, n) => sum + Math.max(n, 0), 0);
  }

  /** Also gives the locks up, so that a Python scheduler can take over at once. Without a Redis they end by themselves. */
  override async stop(): Promise<void> {
    await super.stop();
    if (!this.#ran) return;
    const { store, queues, onError } = this.#options;
    try {
      await Promise.all(queues.map((queue) => store.releaseScheduler(queue)));
    } catch (error) {
      onError(error);
    }
  }
}
