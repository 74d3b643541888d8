/**
 * What a running job may ask of its worker.
 *
 * @module
 */

import { encodeJson } from "../job/json.ts";
import type { EnqueueCall } from "../queue/enqueue_call.ts";
import { Queue } from "../queue/queue.ts";
import type { EnqueueRequest, JobHost } from "../runner/runner.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** Answers one execution. What it writes of the job itself needs the lease. */
export class ExecutionHost implements JobHost {
  readonly #store: WorkerStore;
  readonly #execution: Execution;
  readonly #bigInts: boolean;

  /** One for each execution. */
  constructor(
    store: WorkerStore,
    execution: Execution,
    options: { readonly bigInts: boolean },
  ) {
    this.#store = store;
    this.#execution = execution;
    this.#bigInts = options.bigInts;
  }

  /** Adds a follow-up job over the worker's connection. */
  async enqueue(request: EnqueueRequest): Promise<string> {
    const { client, keys } = this.#store;
    await using queue = new Queue(request.queue ?? this.#execution.queue, {
      connection: client,
      prefix: keys.prefix,
      bigInts: this.#bigInts,
    });
    const call = { ...request.options, func: request.func } as EnqueueCall;
    return (await queue.enqueueCall(call)).id;
  }

  /** Replaces the job's `meta`. */
  async saveMeta(meta: Record<string, unknown>): Promise<void> {
    await this.#record({ meta: encodeJson(meta, "meta", { bigInts: true }) });
  }

  /** Stores how far the job is, in fields of our own. */
  async saveProgress(value: number, note: string | undefined): Promise<void> {
    await this.#record({ x_progress: value, x_progress_note: note ?? "" });
  }

  async #record(fields: Record<string, string | number>): Promise<void> {
    if (await this.#store.record(this.#execution, fields)) return;
    throw new Error(
      `Cannot record anything of job "${this.#execution.job.id}": its worker has lost the lease`,
    );
  }
}
