/**
 * Keeps a worker's hands full: as many jobs as it may run at once, no more.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Execution } from "../store/worker_types.ts";
import type { Executor, Recorder } from "./execution.ts";
import type { Fetcher, NoJob } from "./fetcher.ts";

/** Most jobs of one claim, so that no script holds Redis for long. */
const MAX_CLAIM = 50;

/** What a {@linkcode JobLoop} works with. */
export interface JobLoopOptions {
  readonly fetcher: Fetcher;
  readonly executor: Executor;
  /** How many jobs may run at once. */
  readonly concurrency: number;
  /** How many jobs to run altogether. */
  readonly maxJobs: number;
  /** Told of what went wrong outside of a job. */
  readonly onError: (execution: Execution, error: unknown) => void;
}

/** Claims, runs and records jobs until there is a reason to leave. */
export class JobLoop {
  readonly #options: JobLoopOptions;
  readonly #recording = new Set<Promise<void>>();
  /** Jobs whose run is over and whose end is to be recorded with the next claim. */
  #ended: { execution: Execution; record: Recorder }[] = [];
  #running = 0;
  #claimed = 0;
  #claiming = false;
  #changed = Promise.withResolvers<void>();

  /** One for each worker. */
  constructor(options: JobLoopOptions) {
    this.#options = options;
  }

  /** How many jobs it has claimed. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Runs jobs; tells why it has stopped. Everything that it claimed has been recorded then. */
  async run(): Promise<NoJob | "max"> {
    try {
      return await this.#claimAndRun();
    } finally {
      // Also where claiming has failed for good: what runs is seen to its recorded end.
      this.#claiming = false;
      while (this.#running > 0) {
        this.#recordEnded();
        await this.#change();
      }
      this.#recordEnded();
      await Promise.all(this.#recording);
    }
  }

  async #claimAndRun(): Promise<NoJob | "max"> {
    const { fetcher, concurrency, maxJobs } = this.#options;
    for (let goOn = false;;) {
      while (this.#running >= concurrency) await this.#change();
      // Jobs that end in one turn are recorded, and others claimed in their place, in one round trip.
      if (concurrency > 1 && !goOn) await new Promise((go) => setImmediate(go));
      const wanted = Math.min(
        concurrency - this.#running,
        maxJobs - this.#claimed,
        MAX_CLAIM,
      );
      this.#recordEnded();
      if (wanted <= 0) return "max";
      this.#claiming = true;
      const next = await fetcher.next(wanted);
      this.#claiming = false;
      goOn = typeof next !== "string" && this.#startAll(next);
      if (typeof next !== "string") continue;
      if (next === "stopped") return next;
      // What runs may add jobs, and so does an end that is not recorded yet.
      if (this.#recording.size > 0) await Promise.all(this.#recording);
      else if (this.#running === 0) return next;
      else if (next !== "idle") await this.#change();
    }
  }

  /** Starts jobs; tells whether there is room for more, in which case they start while Redis looks for those. */
  #startAll(executions: readonly Execution[]): boolean {
    const { concurrency, maxJobs } = this.#options;
    this.#running += executions.length;
    this.#claimed += executions.length;
    const start = () => executions.forEach((job) => void this.#start(job));
    const hasRoom = this.#running < concurrency && this.#claimed < maxJobs;
    if (hasRoom) setImmediate(start);
    else start();
    return hasRoom;
  }

  async #start(execution: Execution): Promise<void> {
    try {
      const record = await this.#options.executor.run(execution);
      this.#ended.push({ execution, record });
    } catch (error) {
      // The lease runs out and a sweeper puts the job back: nothing is lost by going on.
      this.#options.onError(execution, error);
    }
    this.#running--;
    if (this.#claiming) this.#recordEnded();
    this.#changed.resolve();
  }

  #recordEnded(): void {
    const ended = this.#ended;
    this.#ended = [];
    for (const { execution, record } of ended) {
      const recording = record()
        .catch((error) => this.#options.onError(execution, error))
        .finally(() => this.#recording.delete(recording));
      this.#recording.add(recording);
    }
  }

  async #change(): Promise<void> {
    await this.#changed.promise;
    this.#changed = Promise.withResolvers();
  }
}
