/**
 * The worker's heartbeat, which also extends the leases of its jobs.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution, WorkerIdentity } from "../store/worker_types.ts";
import type { InHand } from "./in_hand.ts";

/** The options of a {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  readonly inHand: InHand;
  /** Milliseconds between two heartbeats. */
  readonly interval: number;
  /** How many seconds the worker's hash outlives the last heartbeat. */
  readonly workerTtl: number;
  /** Writes the worker's hash again after it has expired. */
  readonly register: () => Promise<void>;
  /** Called if another worker has taken the name. */
  readonly onReplaced: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Milliseconds after which a job gets its first heartbeat. This writes the records from which RQ's monitors see what
 * a worker runs; they exist after a second at the latest. Shorter jobs never need them.
 */
const FIRST_MS = 500;

/**
 * The heartbeat of a worker. A job whose lease is lost is killed, since another worker may run it by now, and so is one that
 * somebody has asked to stop.
 */
export class Heartbeat extends Service {
  readonly #options: HeartbeatOptions;
  #last = -Infinity;

  /** One for each worker. */
  constructor(options: HeartbeatOptions) {
    const { interval, onError } = options;
    super({
      name: "heartbeat",
      interval: Math.min(interval, FIRST_MS),
      onError,
    });
    this.#options = options;
  }

  /** One pass: a heartbeat for everything if it is due, else only for jobs that have had none. */
  override async runOnce(): Promise<number> {
    const { inHand, interval } = this.#options;
    const now = performance.now();
    if (now - this.#last >= interval) {
      this.#last = now;
      return await this.beat(inHand.beat());
    }
    const unseen = inHand.beatNew(FIRST_MS);
    return unseen.length === 0 ? 0 : await this.beat(unseen);
  }

  /** Sends one heartbeat for the worker and some executions; returns how many leases were lost. */
  async beat(executions: readonly Execution[]): Promise<number> {
    const { store, identity, inHand, workerTtl } = this.#options;
    const { worker, lost, stopped } = await store.heartbeat(
      identity,
      workerTtl,
      executions,
    );
    inHand.abort("lost", ({ id }) => lost.has(id));
    // Its message may not have come.
    if (stopped.size > 0) inHand.abort("stopped", ({ id }) => stopped.has(id));
    if (worker === "gone") await this.#options.register();
    if (worker === "replaced") this.#options.onReplaced();
    return lost.size;
  }
}
