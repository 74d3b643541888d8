/**
 * Shows that the worker lives, and extends the leases of what it runs.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution, WorkerIdentity } from "../store/worker_types.ts";
import type { InHand } from "./in_hand.ts";

/** What a {@linkcode Heartbeat} works with. */
export interface HeartbeatOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  readonly inHand: InHand;
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

/**
 * Milliseconds after which a job gets its first heartbeat, and with it the records by which RQ's monitors see what a
 * worker runs: after a second at the latest they are there. A job that is shorter never needs them.
 */
const FIRST_MS = 500;

/** The heartbeat of a worker. A job whose lease is lost is killed: somebody else may run it by now. */
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

  /** One look: the heartbeat of everything if it is time, else that of jobs which never had one. */
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

  /** One heartbeat of the worker and of some executions; tells how many leases were lost. */
  async beat(executions: readonly Execution[]): Promise<number> {
    const { store, identity, inHand, workerTtl } = this.#options;
    const { worker, lost } = await store.heartbeat(
      identity,
      workerTtl,
      executions,
    );
    inHand.abort("lost", ({ id }) => lost.has(id));
    if (worker === "gone") await this.#options.register();
    if (worker === "replaced") this.#options.onReplaced();
    return lost.size;
  }
}
