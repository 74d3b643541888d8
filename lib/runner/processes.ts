/**
 * The subprocesses of a runner: started ahead of time, booted, guarded and reaped.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Isolation } from "../job/isolation.ts";
import { encodePythonJson } from "../job/json.ts";
import { Guardian } from "./guardian.ts";
import { type Launch, type LaunchOptions, LaunchPlan } from "./launch.ts";
import type { ModulePattern } from "./module_patterns.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { checkMemory, checkTime } from "./limits.ts";
import { unresolvedOutcome } from "./outcomes.ts";
import type { RunnableJob } from "./protocol.ts";
import { type ResolvedFunc, resolveFunc } from "./resolve.ts";
import type { FailureOutcome, OutputSink, RunRequest } from "./runner.ts";
import {
  endOf,
  isOfMachine,
  mayBeProject,
  unreadyOutcome,
  unstartedOutcome,
} from "./start_failure.ts";
import { type LateError, Subprocess } from "./subprocess.ts";
import { WarmPool } from "./warm_pool.ts";

/** How subprocesses are had. */
export interface ProcessesOptions extends LaunchOptions {
  /** The directories under which the modules of jobs are looked for, in order. */
  readonly paths: readonly string[];
  /** Modules that are loaded from elsewhere; see `parseModulePattern()`. @default [] */
  readonly modules?: readonly ModulePattern[];
  /** Where what jobs print goes. */
  readonly sink: OutputSink;
  /** Milliseconds that a subprocess may take until it is ready for a job. @default 60_000 */
  readonly bootTimeout?: number;
  /**
   * How many subprocesses are started ahead of time, each of about 40 MB. With
   * one, short jobs wait for each other's boot; 0 starts each with its job.
   *
   * @default 2
   */
  readonly prewarm?: number;
  /** How many that have served a job wait for another one. @default as many as `prewarm` */
  readonly keep?: number;
  /**
   * Whether a subprocess that is started ahead of time loads the module of the last job, so that the
   * next one need not wait for it. What the module does when it is loaded is then done before there is a job.
   *
   * @default false
   */
  readonly preload?: boolean;
  /** Megabytes of memory beyond which a subprocess takes no further job. @default none */
  readonly maxMemoryPerProcess?: number;
  /** Told of a job that is begun again, since its process ended for the sake of another. */
  readonly onBeganAgain?: (request: RunRequest) => void;
  /** Told of an error that a job left behind, which is nobody's failure; its process takes no more jobs. */
  readonly onLateError?: (error: LateError) => void;
  /** Told in one sentence what is amiss with the machine. */
  readonly onWarning?: (message: string) => void;
}

/** A subprocess that is ready for a job, or why there is none. */
export type Booted =
  | { readonly child: Subprocess }
  | { readonly failure: FailureOutcome };

/** How the subprocess for a job is started and what it is sent, a `RunnableJob` as JSON; or why it cannot be run. */
export type Prepared =
  | { readonly launch: Launch; readonly job: string }
  | { readonly failure: FailureOutcome };

/** Where a job's function is, and how the subprocess for it is started. */
interface Found {
  readonly target: ResolvedFunc;
  readonly launch: Launch;
}

/** Milliseconds that it stays found. */
const FOUND_MS = 1_000;
const MAX_FOUND = 1_000;
/** How often a subprocess that ends before it is ready is started for one job. */
const BOOT_ATTEMPTS = 2;

/** Starts subprocesses, and sees to it that none is left. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #isolation: Isolation;
  readonly #plan: LaunchPlan;
  readonly #memory: MemoryWatch | undefined;
  readonly #warm: WarmPool;
  readonly #found = new Map<string, Found & { readonly until: number }>();
  #lastModule: string | undefined;
  /** What cannot be loaded before there is a job. */
  readonly #unloadable = new Set<string>();
  readonly #reaping = new Set<Promise<unknown>>();
  #guardian: Guardian | undefined;
  #guarded = false;

  /**
   * Starts nothing yet.
   *
   * @param isolation whether they serve one job, several one after the other, or several side by side
   * @throws {RangeError} if `bootTimeout` is no time, `prewarm` no number of processes, or `jobMemory` too little for one
   * @throws {TypeError} if `denoArgs` has what is no flag, or a permission
   */
  constructor(options: ProcessesOptions, isolation: Isolation) {
    checkTime("bootTimeout", options.bootTimeout);
    checkMemory(options.jobMemory);
    const { jobMemory, onWarning = () => {}, prewarm = 2 } = options;
    if (!Number.isInteger(prewarm) || prewarm < 0) {
      throw new RangeError(
        `Cannot run jobs: prewarm must be 0 or more, got ${prewarm}`,
      );
    }
    this.#options = options;
    this.#isolation = isolation;
    this.#plan = new LaunchPlan(options);
    this.#memory = jobMemory === undefined
      ? undefined
      : new MemoryWatch(jobMemory, onWarning);
    this.#warm = new WarmPool({
      size: prewarm,
      keep: options.keep ?? prewarm,
      spawn: (launch) => this.#spawn(launch, this.#preloadable()),
      plan: () => this.#plan.next(options.paths),
    });
  }

  /** Finds a job's function and writes down what to run; tells why that cannot be done. */
  prepare(request: RunRequest): Prepared {
    try {
      const { target, launch } = this.#find(request.funcName);
      const { url, exportName } = target;
      const job: RunnableJob = { url, exportName, request };
      return { launch, job: encodePythonJson(job) };
    } catch (error) {
      return {
        failure: isOfMachine(error)
          ? unstartedOutcome(error, "the job's module")
          : unresolvedOutcome(error),
      };
    }
  }

  /**
   * For each function, the file system is looked at once a second.
   *
   * @throws {TypeError | Deno.errors.NotFound | Deno.errors.NotCapable} as `resolveFunc` does
   */
  #find(funcName: string): Found {
    const now = performance.now();
    const known = this.#found.get(funcName);
    if (known !== undefined && now < known.until) {
      this.#used(known);
      return known;
    }
    if (this.#found.size >= MAX_FOUND) this.#found.clear();
    const target = resolveFunc(funcName, this.#options);
    const launch = this.#plan.of(target);
    const found = { target, launch, until: now + FOUND_MS };
    this.#found.set(funcName, found);
    this.#used(found);
    return found;
  }

  /** Starts what is missing of those that wait, at most so many. Never throws. */
  fill(most?: number): void {
    this.#guard();
    this.#warm.fill(most);
  }

  /**
   * Takes a waiting subprocess if one fits, else starts one. Rejects with the signal's reason.
   *
   * @param fresh whether it must not have served a job
   */
  boot(
    launch: Launch,
    signal: AbortSignal,
    fresh = false,
  ): Booted | Promise<Booted> {
    this.#guard();
    const child = this.#warm.take(launch, fresh);
    if (!child?.waits) return this.#boot(child, launch, signal);
    this.#warm.succeeded();
    return { child };
  }

  async #boot(
    waiting: Subprocess | undefined,
    launch: Launch,
    signal: AbortSignal,
  ): Promise<Booted> {
    let child = waiting;
    // One that waited may have ended meanwhile, which says nothing about the next.
    for (let attempt = child ? 0 : 1;; attempt++) {
      try {
        child ??= this.#spawn(launch);
      } catch (error) {
        this.#warm.failed();
        return { failure: unstartedOutcome(error, launch.command) };
      }
      if (child.waits || await this.#isReady(child, signal)) {
        this.#warm.succeeded();
        return { child };
      }
      const isLate = child.status === undefined;
      if (isLate) await child.close();
      await child.drain();
      await child.close();
      signal.throwIfAborted();
      if (attempt >= BOOT_ATTEMPTS) {
        this.#warm.failed();
        return { failure: await this.#unready(child, launch, isLate, signal) };
      }
      child = undefined;
    }
  }

  /**
   * Why a subprocess did not become ready: for want of something that the machine ought to have, unless
   * nothing but the job's own project stands in its way.
   */
  async #unready(
    child: Subprocess,
    launch: Launch,
    isLate: boolean,
    signal: AbortSignal,
  ): Promise<FailureOutcome> {
    const isOfProject = launch.ofProject && mayBeProject(child, isLate) &&
      await this.#startsPlain(signal);
    const end = isLate
      ? `was not ready after ${this.#bootTimeout / 1_000} seconds`
      : endOf(child);
    const reason = isOfProject ? "load" : "start";
    return unreadyOutcome(reason, `${launch.command} ${end}`, child);
  }

  /** Whether a subprocess can be started in which no job has a part. */
  async #startsPlain(signal: AbortSignal): Promise<boolean> {
    let child: Subprocess;
    try {
      child = this.#spawn(this.#plan.plain());
    } catch {
      return false;
    }
    const isReady = await this.#isReady(child, signal);
    await child.close();
    signal.throwIfAborted();
    return isReady;
  }

  /** Tries whether a subprocess can be started at all; tells why not. */
  async check(signal: AbortSignal): Promise<FailureOutcome | undefined> {
    const booted = await this.boot(this.#plan.plain(), signal);
    if ("failure" in booted) return booted.failure;
    await booted.child.close();
    return undefined;
  }

  /** Takes one back that is ready for another job; `false` if there are enough. */
  giveBack(launch: Launch, child: Subprocess): boolean {
    return this.#warm.giveBack(launch, child);
  }

  /**
   * Kills a subprocess and sees it off, while the next job runs already. Not in this turn of the event loop: to
   * kill takes longer than to pass the job's answer on to Redis.
   */
  reap(child: Subprocess): void {
    const reaping = nextTurn().then(() => child.close())
      .finally(() => this.#reaping.delete(reaping));
    this.#reaping.add(reaping);
  }

  /** Kills those that wait. */
  async closeWaiting(): Promise<void> {
    await this.#warm.close();
  }

  /** Sees off what is left, once nothing runs any more. */
  async close(): Promise<void> {
    await this.#warm.close();
    await Promise.allSettled(this.#reaping);
    await this.#guardian?.close();
    this.#guardian = undefined;
    this.#plan[Symbol.dispose]();
  }

  get #bootTimeout(): number {
    return this.#options.bootTimeout ?? 60_000;
  }

  #used({ target, launch }: Found): void {
    this.#plan.used(launch);
    if (launch.generic) this.#lastModule = target.url;
  }

  #preloadable(): string | undefined {
    const url = this.#lastModule;
    return this.#options.preload && url !== undefined &&
        !this.#unloadable.has(url)
      ? url
      : undefined;
  }

  async #isReady(child: Subprocess, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => resolve(false);
    const timer = setTimeout(giveUp, this.#bootTimeout);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    const ready = await Promise.race([child.ready, promise]);
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    return ready && child.status === undefined;
  }

  #spawn(launch: Launch, preload?: string): Subprocess {
    const { sink, maxMemoryPerProcess, jobMemory, onLateError } = this.#options;
    const child = new Subprocess({
      ...launch,
      sink,
      isolation: this.#isolation,
      ...(onLateError === undefined ? {} : { onLateError }),
      ...(maxMemoryPerProcess === undefined
        ? {}
        : { memoryLimit: maxMemoryPerProcess * 1024 * 1024 }),
      ...(preload === undefined ? {} : { preload }),
      ...(jobMemory === undefined ? {} : { jobMemory }),
    });
    void this.#guardian?.add(child.pid, child.mark);
    this.#memory?.add(child);
    child.exited.then(() => {
      this.#memory?.remove(child);
      if (child.isUnfit && preload) this.#unloadable.add(preload);
    });
    child.closed.then(() =>
      this.#guardian?.remove(child.pid, child.mayHaveLeft)
    );
    return child;
  }

  #guard(): void {
    if (this.#guarded) return;
    this.#guarded = true;
    const { onWarning } = this.#options;
    this.#guardian = Guardian.start(
      onWarning === undefined ? {} : { onWarning },
    );
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The error of what is asked of a runner that is closed. */
export function closedError(jobId?: string): Error {
  return new Error(
    `Cannot run job${jobId ? ` "${jobId}"` : ""}: the runner is closed`,
  );
}
