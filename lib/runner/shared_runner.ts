/**
 * Runs jobs concurrently in one process.
 *
 * This is not the worker's own process: a job that blocks the event loop cannot
 * delay the renewal of leases, and can be killed.
 *
 * Rejected: threads (`Worker`) in the worker's own process, since `terminate()` of
 * Deno 2.9 does not stop a `while (true) {}`.
 *
 * @module
 */

import type { Launch } from "./launch.ts";
import { checkTime } from "./limits.ts";
import { closedError, Processes, type ProcessesOptions } from "./processes.ts";
import type {
  FailureOutcome,
  JobHost,
  Outcome,
  Runner,
  RunOptions,
  RunRequest,
} from "./runner.ts";
import { SharedProcess } from "./shared_process.ts";

/** The options of a {@linkcode SharedRunner}. */
export interface SharedRunnerOptions extends Omit<ProcessesOptions, "prewarm"> {
  /** Milliseconds from SIGTERM to SIGKILL for a job whose time is up. @default 1_000 */
  readonly killGrace?: number;
  /** How many jobs a process may serve. @default Infinity */
  readonly maxJobsPerProcess?: number;
  /** Runs jobs that have to run alone. */
  readonly alone: Runner;
}

/** How often a job is begun again because of other jobs. */
const MAX_INTERRUPTIONS = 5;

/**
 * Runs jobs concurrently, in one subprocess for each configuration. If a job does
 * not stop at its time limit, the process is killed: that job fails, and the others
 * are run again in the next process. If it is unknown which of several jobs ended the
 * process, each is run again in a process of its own.
 */
export class SharedRunner implements Runner {
  readonly #options: SharedRunnerOptions;
  readonly #processes: Processes;
  readonly #open = new Map<string, SharedProcess>();
  readonly #booting = new Map<string, Promise<FailureOutcome | undefined>>();
  readonly #all = new Set<SharedProcess>();
  readonly #closing = new AbortController();

  /**
   * Starts nothing yet.
   *
   * @throws {RangeError} If `killGrace` or `bootTimeout` is out of range.
   */
  constructor(options: SharedRunnerOptions) {
    checkTime("killGrace", options.killGrace);
    this.#options = options;
    this.#processes = new Processes({ ...options, prewarm: 1 }, "shared");
  }

  /** Starts the process if there is none. Never throws. */
  prepare(): void {
    if (!this.#closing.signal.aborted && this.#open.size === 0) {
      this.#processes.fill();
    }
  }

  /**
   * Runs one job to its end, and resolves with how it ended, whatever that was.
   * Rejects with the reason of `signal` if that is aborted first, or with an `Error`
   * if the runner is closed.
   */
  async run(
    request: RunRequest,
    host: JobHost,
    options: RunOptions,
  ): Promise<Outcome> {
    const { signal } = options;
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const prepared = this.#processes.prepare(request);
    if ("failure" in prepared) return prepared.failure;
    const { launch, job } = prepared;
    const { jobId, timeout } = request;
    const given = { jobId, job, timeout, host, ...options };
    // If it is not generic, only a process started for this job can load its module.
    const most = launch.generic ? MAX_INTERRUPTIONS : 0;
    for (let interruptions = 0; interruptions < most;) {
      signal.throwIfAborted();
      const process = this.#processOf(launch);
      if (process === undefined) {
        const failure = await this.#start(launch, signal);
        if (failure !== undefined) return failure;
        continue;
      }
      const ended = await process.run(given);
      this.#closing.signal.throwIfAborted();
      if (typeof ended === "object") return ended;
      this.#options.onBeganAgain?.(request);
      if (ended === "alone") break;
      interruptions++;
    }
    return await this.#options.alone.run(request, host, options);
  }

  /** Kills everything that runs, which rejects the jobs, and frees all resources. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    for (const process of this.#all) process.kill();
    await this.#processes.closeWaiting();
    await Promise.allSettled([
      ...this.#booting.values(),
      ...[...this.#all].map(({ ended }) => ended),
    ]);
    await this.#processes.close();
  }

  /** The same as {@linkcode SharedRunner.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The process that takes the next job, if there is one. Retires a process that has run enough jobs. */
  #processOf({ key }: Launch): SharedProcess | undefined {
    const process = this.#open.get(key);
    if (process === undefined) return undefined;
    const { maxJobsPerProcess = Infinity } = this.#options;
    if (!process.isOver && process.jobs < maxJobsPerProcess) return process;
    this.#open.delete(key);
    process.retire();
    return undefined;
  }

  /** Starts a process for all jobs that wait for one, or returns the failure. */
  async #start(
    launch: Launch,
    signal: AbortSignal,
  ): Promise<FailureOutcome | undefined> {
    let booting = this.#booting.get(launch.key);
    if (booting === undefined) {
      booting = this.#boot(launch)
        .finally(() => this.#booting.delete(launch.key));
      this.#booting.set(launch.key, booting);
    }
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([booting, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #boot(launch: Launch): Promise<FailureOutcome | undefined> {
    const booted = await this.#processes.boot(launch, this.#closing.signal);
    if ("failure" in booted) return booted.failure;
    const { child } = booted;
    const { killGrace = 1_000 } = this.#options;
    const process = new SharedProcess(child, killGrace);
    this.#all.add(process);
    this.#open.set(launch.key, process);
    process.ended.then(() => {
      this.#all.delete(process);
      this.#processes.reap(child);
    });
    return undefined;
  }
}
