/**
 * What a pool sees of its workers in Redis: that they listen, that they live, and whether they are enough.
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
/** How often is looked whether they live, in milliseconds. */
const LIVING_MS = 10_000;
/**
 * For how long a worker may be missing in Redis, in milliseconds. One that hangs is missing once its hash has expired; one
 * that lives writes it again with its next heartbeat, if somebody has deleted it.
 */
const MISSING_MS = 30_000;

/** The options of a {@linkcode PoolWatch}. */
export interface PoolWatchOptions {
  readonly store: PoolStore;
  readonly queues: readonly string[];
  /** Decides how many workers there are. Without one, it does not change. */
  readonly autoscaler: Autoscaler | undefined;
  /** The workers of the pool, now, with those that leave. */
  readonly workers: () => readonly PoolWorker[];
  /** Called with a worker that listens. */
  readonly onListening: (worker: PoolWorker) => void;
  /** Called with a worker that hangs. */
  readonly onHanging: (worker: PoolWorker) => void;
  /** Called with what is to be done. */
  readonly onScaling: (scaling: Scaling) => void;
  readonly onError: (error: unknown) => void;
  /** A clock in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** See the module. */
export class PoolWatch extends Service {
  readonly #options: PoolWatchOptions;
  /** Since when workers that have listened are missing. */
  #missingSince = new Map<PoolWorker, number>();

  /** Looks at nothing before it is started. */
  constructor(options: PoolWatchOptions) {
    const { onError } = options;
    super({ name: "pool", interval: SCALING_MS, onError });
    this.#options = options;
  }

  /** Looks once. */
  async runOnce(): Promise<void> {
    const { store, workers, queues, autoscaler, onListening } = this.#options;
    const seen = workers();
    const states = await store.states(seen);
    for (const worker of seen) {
      const isNew = worker.phase === "starting" && states.has(worker.name);
      if (isNew) onListening(worker);
    }
    this.#findHanging(
      seen.filter(({ name, phase }) =>
        phase !== "starting" && !states.has(name)
      ),
    );
    if (autoscaler === undefined) return;
    const waiting = await store.waiting(queues);
    const listening = workers().filter(({ phase }) => phase === "listening")
      .map(({ name }) => [name, states.get(name) ?? "unknown"] as const);
    this.#options.onScaling(autoscaler.decide({
      waiting,
      states: new Map(listening),
      starting: this.#starting.length,
    }));
  }

  #findHanging(missing: readonly PoolWorker[]): void {
    const { onHanging, now = () => performance.now() } = this.#options;
    const before = this.#missingSince;
    this.#missingSince = new Map(
      missing.map((worker) => [worker, before.get(worker) ?? now()]),
    );
    for (const [worker, since] of this.#missingSince) {
      if (now() - since >= MISSING_MS) onHanging(worker);
    }
  }

  /** Call it when a worker has been started. */
  started(): void {
    this.reconsider();
  }

  protected override pauseMs(): number {
    if (this.#starting.length > 0) return STARTING_MS;
    return this.#options.autoscaler === undefined ? LIVING_MS : SCALING_MS;
  }

  get #starting(): readonly PoolWorker[] {
    return this.#options.workers().filter(({ phase }) => phase === "starting");
  }
}
