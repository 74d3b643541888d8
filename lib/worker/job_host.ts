/**
 * Performs the calls of a running job.
 *
 * @module
 */

import { dependency } from "../job/dependency.ts";
import type { JobField } from "../job/fields.ts";
import type { MetaPatch } from "../job/meta.ts";
import type { EnqueueCall } from "../queue/enqueue_call.ts";
import type { Wake } from "../job/steps.ts";
import type { EnqueueRequest, JobHost, StepCall } from "../runner/runner.ts";
import { mergeMeta } from "../store/merge_meta.ts";
import { reportParents } from "./parents.ts";
import type { PartHost } from "./part_host.ts";
import type { LogWriter } from "./log_writer.ts";
import type { StepHost } from "./step_host.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** The options of an {@linkcode ExecutionHost}. */
export interface ExecutionHostOptions {
  /** Whether the job may enqueue on a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  /** Whether BigInts are read and written. */
  readonly bigInts: boolean;
  /** How many bytes of the job's log are kept. @default 65_536 */
  readonly logBytes?: number | undefined;
  /** Called once if the log cannot be stored. @default nothing is */
  readonly onLogError?: (error: unknown) => void;
}

/** Performs the calls of one execution. Changing the job itself requires its lease. */
export class ExecutionHost implements JobHost {
  readonly #store: WorkerStore;
  readonly #execution: Execution;
  readonly #options: ExecutionHostOptions;
  #steps: StepHost | undefined;
  /** The job's `meta`, as it is stored for all this knows. */
  #meta: Uint8Array | undefined;
  #parts: PartHost | undefined;
  #log: LogWriter | undefined;
  /** Takes what the job prints, after {@linkcode ExecutionHost.keepPrinted}. */
  printed: JobHost["printed"];

  /** One for each execution. */
  constructor(
    store: WorkerStore,
    execution: Execution,
    options: ExecutionHostOptions,
  ) {
    this.#store = store;
    this.#execution = execution;
    this.#options = options;
    this.#meta = execution.job.fields.get("meta");
  }

  /**
   * Enqueues a follow-up job. Only on queues that jobs may use: on another one, a worker with more permissions
   * might run it.
   */
  async enqueue(request: EnqueueRequest): Promise<string> {
    const { client, keys } = this.#store;
    const { queue: name = this.#execution.queue } = request;
    if (!this.#options.mayEnqueue(name)) {
      throw new Deno.errors.NotCapable(
        `Cannot enqueue on "${name}": jobs of this worker may only use its own queues; allow this one by --job-allow-enqueue=${name}`,
      );
    }
    // Loaded when a job needs it: it would be a tenth of what a worker loads at its start.
    const { Queue } = await import("../queue/queue.ts");
    await using queue = new Queue(name, {
      connection: client,
      prefix: keys.prefix,
      bigInts: this.#options.bigInts,
    });
    return (await queue.enqueueCall(callOf(request))).id;
  }

  /** What became of the job's parents, as JSON. */
  async parents(): Promise<string> {
    const ids = this.#execution.job.dependencyIds;
    return JSON.stringify(await reportParents(this.#store, ids));
  }

  /** Merges a patch into the job's `meta`. */
  async saveMeta(patch: MetaPatch): Promise<void> {
    const { job: { id }, id: execution } = this.#execution;
    const merged = await mergeMeta(this.#store, id, patch, {
      known: this.#meta,
      execution,
    });
    if (merged === "lost" || merged === "gone") throw this.#lost();
    this.#meta = merged;
  }

  /** Stores the job's progress, in fields of our own. */
  async saveProgress(value: number, note: string | undefined): Promise<void> {
    await this.#record({ x_progress: value, x_progress_note: note ?? "" });
  }

  /** Does what a step asks for. */
  async steps(call: StepCall): Promise<string> {
    // Loaded when a job has steps.
    const { StepHost } = await import("./step_host.ts");
    this.#steps ??= new StepHost(this.#store, this.#execution);
    return await this.#steps.perform(call);
  }

  /** Stores what the job has yielded. */
  async emit(parts: readonly string[]): Promise<void> {
    // Loaded when a job yields.
    const { PartHost } = await import("./part_host.ts");
    this.#parts ??= new PartHost(this.#store, this.#execution);
    await this.#parts.emit(parts);
  }

  /** Whether it has stored something that is to be ended with the job. */
  get needsHooks(): boolean {
    return this.#parts !== undefined || (this.#log?.hasLines ?? false);
  }

  /** When the job goes on, if it waits for something. */
  get wake(): Wake | undefined {
    return this.#steps?.wake;
  }

  /** Adds to the job's log. */
  async log(text: string): Promise<void> {
    (await this.#logWriter()).log(text);
  }

  /** From now on, what the job prints is kept in its log. */
  async keepPrinted(): Promise<void> {
    const writer = await this.#logWriter();
    this.printed = (source, bytes) => writer.printed(source, bytes);
  }

  /** Stores what is left of the log, at the end of the execution. */
  async finishLog(): Promise<void> {
    await this.#log?.finish();
  }

  async #logWriter(): Promise<LogWriter> {
    // Loaded when there is something to log.
    const { DEFAULT_LOG_BYTES, LogWriter } = await import("./log_writer.ts");
    return this.#log ??= new LogWriter({
      store: this.#store,
      execution: this.#execution,
      most: this.#options.logBytes ?? DEFAULT_LOG_BYTES,
      onError: this.#options.onLogError ?? (() => undefined),
    });
  }

  async #record(
    fields: Partial<Record<JobField, string | number>>,
  ): Promise<void> {
    if (!await this.#store.record(this.#execution, fields)) throw this.#lost();
  }

  #lost(): Error {
    return new Error(
      `Cannot record anything of job "${this.#execution.job.id}": its worker has lost the lease`,
    );
  }
}

/** The call that a job asks to be enqueued. What is wrong with it is refused where it is enqueued. */
export function callOf(request: EnqueueRequest): EnqueueCall {
  const options = { ...request.options };
  if ("dependsOn" in options) {
    options["dependsOn"] = revived(options["dependsOn"]);
  }
  // A Date has come as JSON.
  if (typeof options["at"] === "string") {
    options["at"] = new Date(options["at"]);
  }
  return { ...options, func: request.func } as EnqueueCall;
}

/** `dependsOn` as it was in the job: what dependency() had made has come as JSON. What is wrong with it is refused later. */
function revived(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(revived);
  if (typeof item !== "object" || item === null || !("jobIds" in item)) {
    return item;
  }
  const { jobIds, ...options } = item;
  return dependency(jobIds as string[], options);
}
