/**
 * The subprocesses of a runner: starts them ahead of time, boots, guards and reaps them.
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
import { type RunnableJob, WEBHOOK_URL } from "./protocol.ts";
import { type ResolvedFunc, resolveFunc } from "./resolve.ts";
import type { FailureOutcome, OutputSink, RunRequest } from "./runner.ts";
import {
  endOf,
  isOfMachine,
  mayBeProject,
  unreadyOutcome,
  unstartedOutcome,
} from "./start_failure.ts";
import { Subprocess } from "./subprocess.ts";
import type { LateError } from "./subprocess_options.ts";
import { WarmPool } from "./warm_pool.ts";

/** The options of {@linkcode Processes}. */
export interface ProcessesOptions extends LaunchOptions {
  /** The directories under which the modules of jobs are looked for, in order. */
  readonly paths: readonly string[];
  /** Further modules that are allowed; see `parseModulePattern()`. @default [] */
  readonly modules?: readonly ModulePattern[];
  /** Variables that the environment of jobs has beside those of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes the output of jobs. */
  readonly sink: OutputSink;
  /** Milliseconds within which a subprocess must be ready for a job. @default 60_000 */
  readonly bootTimeout?: number;
  /**
   * How many subprocesses are started ahead of time, each of about 40 MB. With
   * one, short jobs wait for each other's boot; 0 starts each with its job.
   *
   * @default 2
   */
  readonly prewarm?: number;
  /** How many used subprocesses are kept for another job. @default as many as `prewarm` */
  readonly keep?: number;
  /**
   * Whether a subprocess that is started ahead of time also loads the module of the last job, in case the
   * next one needs it. The module is then evaluated before there is a job.
   *
   * @default false
   */
  readonly preload?: boolean;
  /** Megabytes of memory beyond which a subprocess takes no further job. @default none */
  readonly maxMemoryPerProcess?: number;
  /** Called for a job that begins again because its process ended for another job's sake. */
  readonly onBeganAgain?: (request: RunRequest) => void;
  /** Called for an unhandled error after its job has ended. It fails no job; the process takes no more jobs. */
  readonly onLateError?: (error: LateError) => void;
  /** Called with a sentence about a problem of the machine. */
  readonly onWarning?: (message: string) => void;
}

/** A subprocess that is ready for a job, or the failure. */
export type Booted =
  | { readonly child: Subprocess }
  | { readonly failure: FailureOutcome };

/** How to start the subprocess for a job, and what to send it (a `RunnableJob` as JSON); or the failure. */
export type Prepared =
  | { readonly launch: Launch; readonly job: string }
  | { readonly failure: FailureOutcome };

/** Where a job's function is, and how to start the subprocess for it. */
interface Found {
  readonly target: ResolvedFunc;
  readonly launch: Launch;
}

/** Milliseconds for which this is cached. */
const FOUND_MS = 1_000;
const MAX_FOUND = 1_000;
/** How often a subprocess is started for one job if it ends before it is ready. */
const BOOT_ATTEMPTS = 2;

/** Starts subprocesses, and makes sure that none is left behind. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #isolation: Isolation;
  readonly #plan: LaunchPlan;
  readonly #memory: MemoryWatch | undefined;
  readonly #warm: WarmPool;
  readonly #found = new Map<string, Found & { readonly until: number }>();
  #lastModule: string | undefined;
  /** Modules that failed to load ahead of time. */
  readonly #unloadable = new Set<string>();
  readonly #reaping = new Set<Promise<unknown>>();
  #guardian: Guardian | undefined;
  #guarded = false;

  /**
   * Starts nothing yet.
   *
   * @param isolation The isolation of their jobs.
   * @throws {RangeError} If `bootTimeout`, `prewarm` or `jobMemory` is out of range.
   * @throws {TypeError} If `denoArgs` contains an argument that is not a flag, or a permission.
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

  /** Finds a job's function and encodes what to run, or returns the failure. */
  prepare(request: RunRequest): Prepared {
    try {
      const { target, launch } = request.builtin === "webhook"
        ? this.#ofOurs()
        : this.#find(request.funcName);
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

  /** Our own function, which any subprocess can load. */
  #ofOurs(): Found {
    const target = { url: WEBHOOK_URL, exportName: "sendWebhook" };
    const next = this.#plan.next(this.#options.paths);
    return { target, launch: next ?? this.#plan.plain() };
  }

  /**
   * Finds a function. For each one, the file system is read at most once a second.
   *
   * @throws {TypeError | Deno.errors.NotFound | Deno.errors.NotCapable} As `resolveFunc` does.
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

  /** Starts subprocesses until `most` wait. Never throws. */
  fill(most?: number): void {
    this.#guard();
    this.#warm.fill(most);
  }

  /**
   * Takes a waiting subprocess if one fits, else starts one. Rejects with the signal's reason.
   *
   * @param fresh Whether it must not have served a job.
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
    // A waiting one may have ended meanwhile, which does not count as an attempt.
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
   * The failure if a subprocess did not become ready: the fault of the machine, unless a subprocess that does not
   * depend on the job's project can be started.
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

  /** Whether a subprocess can be started that depends on no job. */
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

  /** Checks whether a subprocess can be started at all; returns the failure if not. */
  async check(signal: AbortSignal): Promise<FailureOutcome | undefined> {
    const booted = await this.boot(this.#plan.plain(), signal);
    if ("failure" in booted) return booted.failure;
    await booted.child.close();
    return undefined;
  }

  /** Takes back a subprocess for another job; `false` if enough are kept. */
  giveBack(launch: Launch, child: Subprocess): boolean {
    return this.#warm.giveBack(launch, child);
  }

  /**
   * Kills and reaps a subprocess in the background, while the next job runs. In a later turn of the event loop, since
   * killing takes longer than passing the job's answer on to Redis.
   */
  reap(child: Subprocess): void {
    const reaping = nextTurn().then(() => child.close())
      .finally(() => this.#reaping.delete(reaping));
    this.#reaping.add(reaping);
  }

  /** Kills the waiting subprocesses. */
  async closeWaiting(): Promise<void> {
    await this.#warm.close();
  }

  /** Reaps the remaining subprocesses and frees everything. Call it when no job runs any more. */
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
    const {
      sink,
      env = {},
      maxMemoryPerProcess,
      jobMemory,
      onLateError,
      hooks,
    } = this.#options;
    const child = new Subprocess({
      ...launch,
      sink,
      env,
      isolation: this.#isolation,
      ...(onLateError === undefined ? {} : { onLateError }),
      ...(maxMemoryPerProcess === undefined
        ? {}
        : { memoryLimit: maxMemoryPerProcess * 1024 * 1024 }),
      ...(preload === undefined ? {} : { preload }),
      ...(hooks === undefined ? {} : { hooks }),
      ...(jobMemory === undefined ? {} : { jobMemory }),
    });
    void this.#guardian?.add(child.pid, child.mark);
    this.#memory?.add(child);
    child.exited.then(() => {
      this.#memory?.remove(child);
      if (child.isUnfit && preload) this.#unloadable.add(preload);
    });
    child.closed.then(() => this.#guardian?.remove(child.pid));
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

/** The error for calls of a closed runner. */
export function closedError(jobId?: string): Error {
  return new Error(
    `Cannot run job${jobId ? ` "${jobId}"` : ""}: the runner is closed`,
  );
}
