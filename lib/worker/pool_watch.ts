/**
 * What a pool sees of its workers in Redis: that they listen, and whether they are enough.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { PoolStore } from "../store/pool_store.ts";
import type { Autoscaler, Scaling } from "./autoscaler.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** How often is looked whether workers that are starting listen, in milliseconds. */
const STARTING_MS = 200;
/** How often is looked whether the workers are enough, in milliseconds. */
const SCALING_MS = 2_000;

/** The options of a {@linkcode PoolWatch}. */
export interface PoolWatchOptions {
  readonly store: PoolStore;
  readonly queues: readonly string[];
  /** Decides how many workers there are. Without one, it does not change. */
  readonly autoscaler: Autoscaler | undefined;
  /** The workers of the pool, now. */
  readonly workers: () => readonly PoolWorker[];
  /** Called with a worker that listens. */
  readonly onListening: (worker: PoolWorker) => void;
  /** Called with what is to be done. */
  readonly onScaling: (scaling: Scaling) => void;
  readonly onError: (error: unknown) => void;
}

/** See the module. */
export class PoolWatch extends Service {
  readonly #options: PoolWatchOptions;

  /** Looks at nothing before it is started. */
  constructor(options: PoolWatchOptions) {
    const { onError } = options;
    super({ name: "pool", interval: SCALING_MS, onError });
    this.#options = options;
  }

  /** Looks once. */
  async runOnce(): Promise<void> {
    const { store, workers, queues, autoscaler, onListening } = this.#options;
    const seen = this.#starting;
    const states = await store.states(workers());
    for (const worker of seen) {
      if (states.has(worker.name)) onListening(worker);
    }
    if (autoscaler === undefined) return;
    const waiting = await store.waiting(queues);
    const working = workers().filter(({ phase }) => phase === "listening")
      .map(({ name }) => [name, states.get(name) ?? "unknown"] as const);
    this.#options.onScaling(autoscaler.decide({
      waiting,
      states: new Map(working),
      starting: this.#starting.length,
    }));
  }

  /** Call it when a worker has been started. */
  started(): void {
    this.reconsider();
  }

  protected override pauseMs(): number {
    if (this.#starting.length > 0) return STARTING_MS;
    return this.#options.autoscaler === undefined ? Infinity : SCALING_MS;
  }

  get #starting(): readonly PoolWorker[] {
    return this.#options.workers().filter(({ phase }) => phase === "starting");
  }
}
