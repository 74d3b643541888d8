/**
 * The worker's side of a job that yields. Loaded when one does.
 *
 * @module
 */

import { MOST_PART_BYTES, MOST_PARTS } from "../job/parts.ts";
import { emit } from "../store/parts.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** For how many seconds more than the job may take until its next part the stream of a job that runs is kept. */
const DAY = 86_400;

/** The same of a job without a time limit. */
const WEEK = 7 * DAY;

/** Stores what one execution yields. */
export class PartHost {
  readonly #store: WorkerStore;
  readonly #execution: Execution;
  #count = 0;

  /** One for each execution that yields. */
  constructor(store: WorkerStore, execution: Execution) {
    this.#store = store;
    this.#execution = execution;
  }

  /**
   * Adds parts to the job's stream.
   *
   * @throws {RangeError} If there are too many.
   * @throws {Error} If the execution has lost its job.
   */
  async emit(parts: readonly string[]): Promise<void> {
    const { job } = this.#execution;
    const from = this.#count;
    const ttl = job.timeout < 0 ? WEEK : Math.ceil(job.timeout) + DAY;
    const given = { from, parts, ttl };
    const kept = await emit(this.#store, this.#execution, given);
    if (kept === "full") {
      const most = MOST_PARTS.toLocaleString("en");
      throw new RangeError(
        `Cannot stream from job "${job.id}": it yields more than ${most} parts or ${
          MOST_PART_BYTES / 1024 / 1024
        } MB`,
      );
    }
    if (kept === "lost") {
      throw new Error(
        `Cannot stream from job "${job.id}": its worker has lost the lease`,
      );
    }
    this.#count += parts.length;
  }
}
