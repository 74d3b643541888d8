/**
 * Runs each job in its own Deno subprocess, or several one after the other in one.
 *
 * @module
 */

import { JobRun, type JobRunOptions } from "./job_run.ts";
import { brokenOutcome } from "./outcomes.ts";
import type { Launch } from "./launch.ts";
import { checkTime } from "./limits.ts";
import { closedError, Processes, type ProcessesOptions } from "./processes.ts";
import type {
  JobHost,
  Outcome,
  Runner,
  RunOptions,
  RunRequest,
} from "./runner.ts";
import { diedOutcome } from "./start_failure.ts";
import type { Subprocess } from "./subprocess.ts";

/** The options of a {@linkcode SubprocessRunner}. */
export interface SubprocessRunnerOptions extends ProcessesOptions {
  /**
   * Milliseconds from SIGTERM to SIGKILL for a job whose time is up. SIGTERM comes
   * 500 ms after the job's `AbortSignal`.
   *
   * @default 1_000
   */
  readonly killGrace?: number;
  /**
   * Whether what its process has used is also measured of a job that succeeds, which takes some 0.1 ms.
   *
   * @default false
   */
  readonly measure?: boolean;
  /**
   * How many jobs a subprocess may serve. With more than 1, jobs share the memory of
   * those before them, and what a job leaves running goes on: a subprocess ends after so
   * many jobs, after a job that failed, and after one that exceeded its time limit.
   *
   * @default 1
   */
  readonly maxJobsPerProcess?: number;
}

/** A job that runs for so many milliseconds is not short: the next subprocess is started meanwhile. */
const LONG_JOB_MS = 10;
/** How many subprocesses may die before beginning a job until it fails. By default so many may be waiting. */
const RUN_ATTEMPTS = 3;

/**
 * Runs each job in its own Deno subprocess, and kills the whole process group
 * at the end of the job.
 *
 * The next subprocesses are started while a job runs. If this process dies, in whatever
 * way, the guardian kills the subprocesses.
 */
export class SubprocessRunner implements Runner {
  readonly #options: SubprocessRunnerOptions;
  readonly #processes: Processes;
  readonly #runs = new Set<JobRun>();
  readonly #active = new Set<Promise<unknown>>();
  #preparing: ReturnType<typeof setTimeout> | undefined;
  #preparesAt = Infinity;
  #closed = false;

  /**
   * Starts nothing yet.
   *
   * @throws {RangeError} If `killGrace`, `bootTimeout` or `prewarm` is out of range.
   */
  constructor(options: SubprocessRunnerOptions) {
    checkTime("killGrace", options.killGrace);
    const { maxJobsPerProcess = 1 } = options;
    if (!(maxJobsPerProcess >= 1)) {
      throw new RangeError(
        `Cannot run jobs: maxJobsPerProcess must be 1 or more, got ${maxJobsPerProcess}`,
      );
    }
    this.#options = options;
    this.#processes = new Processes(
      options,
      maxJobsPerProcess === 1 ? "process" : "reuse",
    );
  }

  /** Starts subprocesses for the next jobs until `most` are waiting. Never throws. */
  prepare(most?: number): void {
    if (!this.#closed) this.#processes.fill(most);
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
    options.signal.throwIfAborted();
    if (this.#closed) throw closedError(request.jobId);
    const running = this.#run(request, host, options);
    this.#active.add(running);
    try {
      return await running;
    } finally {
      this.#active.delete(running);
    }
  }

  /** Kills everything that runs, which rejects the jobs, and frees all resources. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#preparing);
    for (const run of this.#runs) run.abort(closedError());
    await this.#processes.closeWaiting();
    await Promise.allSettled(this.#active);
    await this.#processes.close();
  }

  /** The same as {@linkcode SubprocessRunner.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(
    request: RunRequest,
    host: JobHost,
    { signal, onProcess }: RunOptions,
  ): Promise<Outcome> {
    const prepared = this.#processes.prepare(request);
    if ("failure" in prepared) return prepared.failure;
    const { launch, job } = prepared;
    const { jobId, timeout } = request;
    let fresh = false;
    for (let attempt = 1;;) {
      const booting = this.#processes.boot(launch, signal, fresh);
      const booted = booting instanceof Promise ? await booting : booting;
      if ("failure" in booted) return booted.failure;
      const { child } = booted;
      const given = { jobId, job, timeout, host, onProcess };
      const run = this.#runOf(child, launch, given);
      const outcome = await this.#runIn(run, launch, child, signal);
      if (outcome !== undefined) return outcome;
      // It has not begun, or was interrupted by leftovers of an earlier job: try another process.
      if (child.isUnfit) continue; // not counted: only the waiting ones can be unfit
      if (run.isInterrupted) this.#options.onBeganAgain?.(request);
      fresh = true;
      if (attempt++ < RUN_ATTEMPTS) continue;
      return child.fault === undefined
        ? diedOutcome(child)
        : brokenOutcome(child.fault);
    }
  }

  /** Starts subprocesses after a delay: a boot takes processor time from a short job and from what follows it. */
  #prepareIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#closed || at >= this.#preparesAt) return;
    clearTimeout(this.#preparing);
    this.#preparesAt = at;
    this.#preparing = setTimeout(() => {
      this.#preparesAt = Infinity;
      this.prepare();
    }, ms);
  }

  #runOf(
    child: Subprocess,
    launch: Launch,
    job: Omit<
      JobRunOptions,
      "child" | "killGrace" | "reusable" | "measure"
    >,
  ): JobRun {
    const { killGrace = 1_000, maxJobsPerProcess = 1, measure = false } =
      this.#options;
    const reusable = launch.generic && child.jobs + 1 < maxJobsPerProcess;
    return new JobRun({ child, ...job, killGrace, reusable, measure });
  }

  async #runIn(
    run: JobRun,
    launch: Launch,
    child: Subprocess,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const { maxJobsPerProcess = 1 } = this.#options;
    const { reusable } = run.options;
    const onAbort = () => run.abort(signal.reason);
    this.#runs.add(run);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      else if (this.#closed) run.abort(closedError());
      const outcome = run.run();
      if (maxJobsPerProcess === 1) this.#prepareIn(LONG_JOB_MS);
      else if (!reusable) this.prepare();
      return await outcome;
    } finally {
      if (maxJobsPerProcess === 1) this.#prepareIn(0);
      signal.removeEventListener("abort", onAbort);
      this.#runs.delete(run);
      if (!run.isReusable || !this.#processes.giveBack(launch, child)) {
        this.#processes.reap(child);
        if (reusable && !this.#closed) this.#processes.fill(1);
      }
    }
  }
}
