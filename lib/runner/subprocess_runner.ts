/**
 * Runs each job in a Deno subprocess of its own.
 *
 * @module
 */

import { Guardian } from "./guardian.ts";
import { JobRun, type JobRunOptions } from "./job_run.ts";
import { type Launch, type LaunchOptions, LaunchPlan } from "./launch.ts";
import { bootOutcome, unresolvedOutcome } from "./outcomes.ts";
import { encodeMessage, type RunMessage } from "./protocol.ts";
import { type ResolvedFunc, resolveFunc } from "./resolve.ts";
import type {
  FailureOutcome,
  JobHost,
  Outcome,
  OutputSink,
  Runner,
  RunRequest,
} from "./runner.ts";
import { Subprocess } from "./subprocess.ts";
import { WarmPool } from "./warm_pool.ts";

/** How a {@linkcode SubprocessRunner} runs jobs. */
export interface SubprocessRunnerOptions extends LaunchOptions {
  /** The directories under which the modules of jobs are looked for, in order. */
  readonly paths: readonly string[];
  /** Where what jobs print goes. */
  readonly sink: OutputSink;
  /**
   * Milliseconds from SIGTERM to SIGKILL for a job whose time is up. SIGTERM comes
   * 500 ms after the job's `AbortSignal`.
   *
   * @default 1_000
   */
  readonly killGrace?: number;
  /** Milliseconds that a subprocess may take until it is ready for a job. @default 60_000 */
  readonly bootTimeout?: number;
  /**
   * How many subprocesses are started ahead of time, each of about 40 MB. With
   * one, short jobs wait for each other's boot; 0 starts each with its job.
   *
   * @default 2
   */
  readonly prewarm?: number;
  /**
   * How many jobs a subprocess may serve. With more than 1, jobs share the memory
   * of those before them: a subprocess ends after so many, after a job that failed, and
   * at a time limit as ever. What a job leaves running goes on with its process.
   *
   * @default 1
   */
  readonly maxJobsPerProcess?: number;
}

type Booted =
  | { readonly child: Subprocess }
  | { readonly failure: FailureOutcome };

/** How often a subprocess that ends before it is ready is started for one job. */
const BOOT_ATTEMPTS = 2;
/** How often a job is given to a subprocess that dies before it has it; as many wait by default. */
const RUN_ATTEMPTS = 3;

/**
 * Runs each job in a Deno subprocess of its own, of which it kills the whole
 * process group at the end of the job.
 *
 * The next subprocesses are started while a job runs. If this process dies, however
 * it does, a guardian process kills what still runs.
 */
export class SubprocessRunner implements Runner {
  readonly #options: SubprocessRunnerOptions;
  readonly #plan: LaunchPlan;
  readonly #warm: WarmPool;
  readonly #runs = new Set<JobRun>();
  readonly #active = new Set<Promise<unknown>>();
  #guardian: Guardian | undefined;
  #guarded = false;
  #closed = false;

  /**
   * Starts nothing yet.
   *
   * @throws {RangeError} if `killGrace` or `bootTimeout` is not a time, or
   * `prewarm` no number of processes
   */
  constructor(options: SubprocessRunnerOptions) {
    checkTime("killGrace", options.killGrace);
    checkTime("bootTimeout", options.bootTimeout);
    const { prewarm = 2 } = options;
    if (!Number.isInteger(prewarm) || prewarm < 0) {
      throw new RangeError(
        `Cannot run jobs: prewarm must be 0 or more, got ${prewarm}`,
      );
    }
    const { maxJobsPerProcess = 1 } = options;
    if (!(maxJobsPerProcess >= 1)) {
      throw new RangeError(
        `Cannot run jobs: maxJobsPerProcess must be 1 or more, got ${maxJobsPerProcess}`,
      );
    }
    this.#options = options;
    this.#plan = new LaunchPlan(options);
    this.#warm = new WarmPool({
      size: prewarm,
      spawn: (launch) => this.#spawn(launch),
      plan: () => this.#plan.next(options.paths),
    });
  }

  /** Starts the subprocesses of the next jobs, if none are waiting. Never throws. */
  prepare(): void {
    if (this.#closed) return;
    this.#guard();
    this.#warm.fill();
  }

  /**
   * Runs one job to its end. Resolves with how it ended, whatever that was.
   * Rejects with the reason of `signal` if that fired first, or with an `Error` if
   * the runner is closed.
   */
  async run(
    request: RunRequest,
    host: JobHost,
    options: { readonly signal: AbortSignal },
  ): Promise<Outcome> {
    options.signal.throwIfAborted();
    if (this.#closed) throw closedError(request.jobId);
    const running = this.#run(request, host, options.signal);
    this.#active.add(running);
    try {
      return await running;
    } finally {
      this.#active.delete(running);
    }
  }

  /** Kills what is left and frees everything. Jobs that run reject. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#runs) run.abort(closedError());
    await this.#warm.close();
    await Promise.allSettled(this.#active);
    await this.#guardian?.close();
    this.#guardian = undefined;
  }

  /** The same as {@linkcode SubprocessRunner.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(
    request: RunRequest,
    host: JobHost,
    signal: AbortSignal,
  ): Promise<Outcome> {
    this.#guard();
    let target: ResolvedFunc;
    try {
      target = resolveFunc(request.funcName, this.#options);
    } catch (error) {
      return unresolvedOutcome(error);
    }
    const { url, exportName } = target;
    const message: RunMessage = { type: "run", url, exportName, request };
    let line: string;
    try {
      line = encodeMessage(message);
    } catch (error) {
      return unresolvedOutcome(error); // nested too deeply
    }
    for (let attempt = 1;; attempt++) {
      const launch = this.#plan.of(target);
      const booted = await this.#boot(launch, signal);
      if ("failure" in booted) return booted.failure;
      const { child } = booted;
      const outcome = await this.#runIn(
        child,
        launch,
        { message, line, host },
        signal,
      );
      if (outcome !== undefined) return outcome;
      // It died while it waited, so the job has not begun: another may run it.
      if (attempt >= RUN_ATTEMPTS) return bootFailure(child, launch);
    }
  }

  async #runIn(
    child: Subprocess,
    launch: Launch,
    job: Pick<JobRunOptions, "message" | "line" | "host">,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const { killGrace = 1_000, maxJobsPerProcess = 1 } = this.#options;
    const reusable = launch.generic && child.jobs + 1 < maxJobsPerProcess;
    const run = new JobRun({ child, ...job, killGrace, reusable });
    const onAbort = () => run.abort(signal.reason);
    this.#runs.add(run);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (child.jobs === 0) await this.#guardian?.add(child.pid);
      if (signal.aborted) onAbort();
      else if (this.#closed) run.abort(closedError());
      const outcome = run.run();
      if (!reusable) this.prepare();
      return await outcome;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#runs.delete(run);
      if (!run.isReusable || !this.#warm.giveBack(launch, child)) {
        this.#reap(child);
        if (reusable) this.#warm.fill(1);
      }
    }
  }

  /** Sees a subprocess off that has been killed, while the next job runs already. */
  #reap(child: Subprocess): void {
    const reaping = child.close()
      .then(() => this.#guardian?.remove(child.pid))
      .finally(() => this.#active.delete(reaping));
    this.#active.add(reaping);
  }

  /** Takes a waiting subprocess if one fits, else starts one. */
  async #boot(launch: Launch, signal: AbortSignal): Promise<Booted> {
    let child = this.#warm.take(launch);
    // One that waited may have ended meanwhile, which says nothing about the next.
    for (let attempt = child ? 0 : 1;; attempt++) {
      try {
        child ??= this.#spawn(launch);
      } catch (error) {
        return { failure: unstarted(error, launch) };
      }
      if (await this.#isReady(child, signal)) {
        this.#warm.succeeded();
        return { child };
      }
      if (!child.status) await child.close();
      await child.drain();
      await child.close();
      signal.throwIfAborted();
      if (attempt >= BOOT_ATTEMPTS) {
        this.#warm.failed();
        return { failure: bootFailure(child, launch) };
      }
      child = undefined;
    }
  }

  async #isReady(child: Subprocess, signal: AbortSignal): Promise<boolean> {
    if (child.jobs > 0) return child.status === undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => resolve(false);
    const timer = setTimeout(giveUp, this.#options.bootTimeout ?? 60_000);
    signal.addEventListener("abort", giveUp, { once: true });
    const ready = await Promise.race([child.ready, promise]);
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    return ready && child.status === undefined;
  }

  #spawn(launch: Launch): Subprocess {
    return new Subprocess({ ...launch, sink: this.#options.sink });
  }

  #guard(): void {
    if (this.#guarded) return;
    this.#guarded = true;
    this.#guardian = Guardian.start();
  }
}

/** What a shell and `setsid` end with if they cannot start a program. */
const UNSTARTED: ReadonlySet<number> = new Set([126, 127]);

function bootFailure(child: Subprocess, launch: Launch): FailureOutcome {
  const { signal, code } = child.status!;
  return bootOutcome(
    signal === null && UNSTARTED.has(code) ? "start" : "crash",
    `${launch.command} ended with ${
      signal ?? `exit code ${code}`
    } before it was ready`,
    child.stderrTail(),
  );
}

function unstarted(error: unknown, launch: Launch): FailureOutcome {
  const state = error instanceof Error ? error.message : String(error);
  return bootOutcome("start", `${launch.command}: ${state}`, "");
}

function closedError(jobId?: string): Error {
  return new Error(
    `Cannot run job${jobId ? ` "${jobId}"` : ""}: the runner is closed`,
  );
}

function checkTime(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= 2 ** 31 - 1)) return;
  throw new RangeError(
    `Cannot run jobs: ${name} must be from 0 to ${
      2 ** 31 - 1
    } milliseconds, got ${value}`,
  );
}
