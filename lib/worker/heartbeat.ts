/**
 * Shows that the worker lives, and extends the leases of what it runs.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { WorkerIdentity } from "../store/worker_types.ts";
import type { RunningJobs } from "./running_jobs.ts";

/** What a {@linkcode Heartbeat} works with. */
export interface HeartbeatOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  readonly running: RunningJobs;
  /** Milliseconds between two. */
  readonly interval: number;
  /** Seconds that the worker's hash outlives the last one. */
  readonly workerTtl: number;
  /** Writes the worker's hash anew after it has expired. */
  readonly register: () => Promise<void>;
  /** Another worker has taken the name. */
  readonly onReplaced: () => void;
  readonly onError: (error: unknown) => void;
}

/** The heartbeat of a worker. A job whose lease is lost is killed: somebody else may run it by now. */
export class Heartbeat extends Service {
  readonly #options: HeartbeatOptions;

  /** One for each worker. */
  constructor(options: HeartbeatOptions) {
    const { interval, onError } = options;
    super({ name: "heartbeat", interval, onError });
    this.#options = options;
  }

  /** One heartbeat; tells how many leases were lost. */
  override async runOnce(): Promise<number> {
    const { store, identity, running, workerTtl } = this.#options;
    const executions = running.beat();
    const { worker, lost } = await store.heartbeat(
      identity,
      workerTtl,
      executions,
    );
    running.abort("lost", ({ id }) => lost.has(id));
    if (worker === "gone") await this.#options.register();
    if (worker === "replaced") this.#options.onReplaced();
    return lost.size;
  }
}
