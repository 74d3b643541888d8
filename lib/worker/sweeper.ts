/**
 * Finds what other workers left behind, on all queues.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import { encodeFailure } from "../queue/result.ts";
import { MAX_LOSSES, type WorkerStore } from "../store/worker_store.ts";
import type { WorkerLog } from "./log.ts";

/** What a {@linkcode Sweeper} works with. */
export interface SweeperOptions {
  readonly store: WorkerStore;
  readonly log: WorkerLog;
  /** The worker's own queues: nobody may have put a job on them yet. */
  readonly queues: readonly string[];
  /** Milliseconds between two passes. */
  readonly interval: number;
  readonly onError: (error: unknown) => void;
}

/** What is stored of a job that lost its worker too often. RQ's name for it is the same. */
const ABANDONED = encodeFailure(
  `AbandonedJobError: The worker of this job died or lost its lease ${
    MAX_LOSSES + 1
  } times while it ran nothing else; the job is not put back again`,
);

/** Puts jobs of dead workers back, drops what has expired, queues deferred jobs that nobody released. */
export class Sweeper extends Service {
  readonly #options: SweeperOptions;
  /** Where the next pass looks at the deferred jobs of a queue. */
  readonly #offsets = new Map<string, number>();
  /** What was last told of a queue that cannot be swept: the same is not told every three seconds. */
  readonly #told = new Map<string, string>();

  /** Any number of workers may have one. */
  constructor(options: SweeperOptions) {
    const { interval, onError } = options;
    super({ name: "sweeper", interval, onError });
    this.#options = options;
  }

  /** One pass over all queues; tells how many jobs were put back or failed. */
  override async runOnce(): Promise<number> {
    const { store, log } = this.#options;
    const queues = await store.queueNames();
    const swept = await Promise.all(queues.map((queue) => this.sweep(queue)));
    for (const name of await store.dropDeadWorkers(this.#options.queues)) {
      log.debug(`Dropped dead worker ${name}`);
    }
    return swept.reduce((sum, n) => sum + n, 0);
  }

  /** One pass over one queue. A queue that cannot be swept does not keep the others from it. */
  async sweep(queue: string): Promise<number> {
    const { store, log } = this.#options;
    try {
      const { deferredOffset, requeued, failed } = await store.sweep(
        queue,
        ABANDONED,
        this.#offsets.get(queue) ?? 0,
      );
      this.#offsets.set(queue, deferredOffset);
      this.#told.delete(queue);
      for (const id of requeued) {
        log.warn(`${queue}: Job was abandoned by its worker, put back (${id})`);
      }
      for (const id of failed) {
        log.error(`${queue}: AbandonedJobError, job failed (${id})`);
      }
      return requeued.length + failed.length;
    } catch (error) {
      const text = String(error);
      if (this.#told.get(queue) !== text) {
        log.error(`${queue}: Cannot sweep the queue: ${text}`);
      }
      this.#told.set(queue, text);
      return 0;
    }
  }
}
