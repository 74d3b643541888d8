/**
 * What a running job may ask of its worker.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import { encodeJson } from "../job/json.ts";
import type { EnqueueCall } from "../queue/enqueue_call.ts";
import { Queue } from "../queue/queue.ts";
import type { EnqueueRequest, JobHost } from "../runner/runner.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** What a job may ask for. */
export interface ExecutionHostOptions {
  /** Whether it may add jobs to a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  /** Whether it gets and gives BigInts. */
  readonly bigInts: boolean;
}

/** Answers one execution. What it writes of the job itself needs the lease. */
export class ExecutionHost implements JobHost {
  readonly #store: WorkerStore;
  readonly #execution: Execution;
  readonly #options: ExecutionHostOptions;

  /** One for each execution. */
  constructor(
    store: WorkerStore,
    execution: Execution,
    options: ExecutionHostOptions,
  ) {
    this.#store = store;
    this.#execution = execution;
    this.#options = options;
  }

  /**
   * Adds a follow-up job over the worker's connection: a job must not have another worker, which may do
   * more, work for it.
   */
  async enqueue(request: EnqueueRequest): Promise<string> {
    const { client, keys } = this.#store;
    const { queue: name = this.#execution.queue } = request;
    if (!this.#options.mayEnqueue(name)) {
      throw new Deno.errors.NotCapable(
        `Cannot enqueue on "${name}": jobs of this worker may use its own queues only, --job-allow-enqueue=${name} allows this one`,
      );
    }
    await using queue = new Queue(name, {
      connection: client,
      prefix: keys.prefix,
      bigInts: this.#options.bigInts,
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

  async #record(
    fields: Partial<Record<JobField, string | number>>,
  ): Promise<void> {
    if (await this.#store.record(this.#execution, fields)) return;
    throw new Error(
      `Cannot record anything of job "${this.#execution.job.id}": its worker has lost the lease`,
    );
  }
}
