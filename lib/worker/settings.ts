/**
 * All settings of a worker, declared once: for code, flags and their defaults.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkIsolation, type Isolation } from "../job/isolation.ts";
import { checkQueueName } from "../job/names.ts";
import { DEFAULT_RESULT_TTL } from "../job/options.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../queue/context.ts";
import {
  type ModulePattern,
  parseModulePattern,
} from "../runner/module_patterns.ts";
import { parseSize, type Size } from "../base/size.ts";
import { checkMemory } from "../runner/limits.ts";
import type { ChildPermissions } from "../runner/permissions.ts";
import type { DequeueStrategy } from "./fetcher.ts";
import { SILENT, steady, type SteadyLog, type WorkerLog } from "./log.ts";

/** Options of a {@linkcode Worker}. */
export interface WorkerOptions extends ConnectionOptions {
  /**
   * The worker's name. One that lives under this name keeps it.
   *
   * @default host name and process id, as in `rac2.3354`
   */
  readonly name?: string;
  /**
   * Directories under which job modules are looked for.
   *
   * @default the project of the working directory, then the working directory
   */
  readonly paths?: readonly string[];
  /**
   * Modules of jobs that are loaded from elsewhere than `paths`: `jsr:@acme/*`, `npm:@acme/mail`,
   * `https://acme.com/jobs/`. Whoever can write to Redis can have them run. `node:` and `data:` are never loaded.
   *
   * @default []
   */
  readonly jobModules?: readonly string[];
  /**
   * Queues, besides the worker's own, to which jobs may add jobs through `currentJob`; `*` stands for any text.
   *
   * @default []
   */
  readonly allowEnqueue?: readonly string[];
  /**
   * What jobs may do; see `childPermissions()`.
   *
   * @default the worker's own permissions
   */
  readonly permissions?: ChildPermissions;
  /**
   * An installed `deno` that runs the jobs.
   *
   * @default the program that runs the worker
   */
  readonly execPath?: string;
  /**
   * Leave once every queue is empty.
   *
   * @default false
   */
  readonly burst?: boolean;
  /**
   * How long results are kept of jobs that do not say: seconds or text, `0` not at all, `-1` for ever.
   *
   * @default 500
   */
  readonly resultTtl?: Duration;
  /**
   * How long the worker's own hash outlives its last heartbeat: seconds or text, at least 30 seconds.
   *
   * @default 60
   */
  readonly workerTtl?: Duration;
  /**
   * Time between two heartbeats: seconds or text, at most a third of the lease of 15 seconds.
   *
   * @default 5
   */
  readonly jobMonitoringInterval?: Duration;
  /**
   * Time between two sweeps for what dead workers left behind: seconds or text.
   *
   * @default 3
   */
  readonly maintenanceInterval?: Duration;
  /**
   * How jobs are kept apart. `process`: each has a fresh process of its own. `reuse`: a process serves
   * jobs one after the other, many times faster; they share its memory, and what one leaves
   * running goes on beside the next. `shared`: one process runs all of them side by side, for trusted
   * small ones; if one does not stop at its time limit, the process ends, and the others are run again.
   *
   * A job may ask for a stricter way, not for a looser one. A job whose worker has died while it had it in hand
   * gets a process of its own, and the worker for itself.
   *
   * @default "process"
   */
  readonly isolation?: Isolation;
  /**
   * How the jobs of single queues are kept apart, by the queue's name.
   *
   * @default as `isolation` says
   */
  readonly queueIsolation?: Readonly<Record<string, Isolation>>;
  /**
   * With `reuse` and `shared`: a process takes no more than so many jobs.
   *
   * @default 10_000 with `reuse`, no limit with `shared`
   */
  readonly maxJobsPerProcess?: number;
  /**
   * With `reuse` and `shared`: a process that has grown beyond so many megabytes takes no more jobs.
   *
   * @default 512
   */
  readonly maxMemoryPerProcess?: number;
  /**
   * How much memory a process that runs jobs may use, with all that it starts: megabytes or text, at least 64. One that uses
   * more is ended, and its job fails; with `shared`, the others in it are run again. With
   * `reuse` and `shared`, a process takes no more jobs from half of it on. Needs Linux, or a `ps`.
   *
   * @default no limit
   */
  readonly jobMemory?: Size;
  /**
   * Whether processes that are started ahead of time load the module of the last job, so that the
   * next one need not wait for it. What the module does when it is loaded is then done before there
   * is a job, and a change of its code is seen a job later.
   *
   * @default false
   */
  readonly preload?: boolean;
  /**
   * How many jobs to run at once.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Leave after so many jobs.
   *
   * @default Infinity
   */
  readonly maxJobs?: number;
  /**
   * Leave after so long without a job: seconds or text.
   *
   * @default none
   */
  readonly maxIdleTime?: Duration;
  /**
   * Queue scheduled jobs when their time has come.
   *
   * @default false
   */
  readonly withScheduler?: boolean;
  /**
   * The order in which queues are looked at: as given, rotated past the one just served, or shuffled.
   *
   * @default "default"
   */
  readonly dequeueStrategy?: DequeueStrategy;
  /**
   * Longest time that a warm shutdown lets a job run on: seconds or text. Then the job goes back to its queue.
   *
   * @default none
   */
  readonly grace?: Duration;
  /**
   * How long the worker goes on trying while no process can be started for jobs, until it gives up with a
   * {@linkcode CannotStartError}: seconds or text. Meanwhile the jobs stay on their queues.
   *
   * @default 60
   */
  readonly startPatience?: Duration;
  /**
   * Whether log lines show the call, which may hold what should not be logged.
   *
   * @default true
   */
  readonly logJobDescription?: boolean;
  /**
   * Where log lines go.
   *
   * @default nowhere
   */
  readonly log?: WorkerLog;
}

/** {@linkcode WorkerOptions} after the check; times in milliseconds unless they are said to be seconds. */
export interface WorkerSettings {
  readonly queues: readonly string[];
  readonly jobModules: readonly ModulePattern[];
  /** Whether a job may add jobs to a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  readonly name: string;
  readonly burst: boolean;
  /** Seconds; -1 for ever. */
  readonly resultTtl: number;
  /** Seconds. */
  readonly workerTtl: number;
  readonly heartbeatMs: number;
  readonly sweepMs: number;
  /** How the jobs of a queue are kept apart. */
  readonly isolationOf: (queue: string) => Isolation;
  /** The default depends on the isolation. */
  readonly maxJobsPerProcess: number | undefined;
  /** Megabytes. */
  readonly maxMemoryPerProcess: number;
  /** Bytes. */
  readonly jobMemory: number | undefined;
  readonly preload: boolean;
  readonly concurrency: number;
  readonly maxJobs: number;
  readonly maxIdleMs: number;
  readonly withScheduler: boolean;
  readonly dequeueStrategy: DequeueStrategy;
  readonly graceMs: number;
  /** How long no process can be started until the worker gives up. */
  readonly startPatienceMs: number;
  readonly logJobDescription: boolean;
  readonly bigInts: boolean;
  readonly log: SteadyLog;
}

const OPTIONS = optionNames<WorkerOptions>({
  ...CONNECTION_OPTIONS,
  name: true,
  paths: true,
  permissions: true,
  execPath: true,
  jobMemory: true,
  jobModules: true,
  allowEnqueue: true,
  startPatience: true,
  burst: true,
  resultTtl: true,
  workerTtl: true,
  jobMonitoringInterval: true,
  maintenanceInterval: true,
  isolation: true,
  queueIsolation: true,
  maxJobsPerProcess: true,
  maxMemoryPerProcess: true,
  preload: true,
  concurrency: true,
  maxJobs: true,
  maxIdleTime: true,
  withScheduler: true,
  dequeueStrategy: true,
  grace: true,
  logJobDescription: true,
  log: true,
});

/** Fewest seconds that a worker's hash stays: sweepers look there for what a dead worker had in hand. */
const MIN_WORKER_TTL = 30;

/** Most jobs at once: a claim hands out so many in one reply. */
const MAX_CONCURRENCY = 1_000;

/** Most seconds between two heartbeats: a lease survives two that are late or lost. */
const MAX_HEARTBEAT = 5;

/**
 * Checks the settings of a worker.
 *
 * @throws {RangeError | TypeError} naming the one that is wrong
 */
export function checkSettings(
  queues: string | readonly string[],
  options: WorkerOptions,
): WorkerSettings {
  refuseUnknown(options, OPTIONS, "Cannot make a worker");
  refuseUselessPermissions(options);
  const names = typeof queues === "string" ? [queues] : queues;
  if (names.length === 0) {
    throw new RangeError("Cannot make a worker: it has no queue");
  }
  const { jobMonitoringInterval = MAX_HEARTBEAT } = options;
  const heartbeat = parseDuration(
    jobMonitoringInterval,
    "jobMonitoringInterval",
  );
  if (heartbeat > MAX_HEARTBEAT) {
    throw new RangeError(
      `Cannot use jobMonitoringInterval ${heartbeat}: leases last 15 seconds, so that ${MAX_HEARTBEAT} is the most`,
    );
  }
  const millis = (value: Duration | undefined, label: string) =>
    value === undefined
      ? Infinity
      : parseDuration(value, label, { zero: true }) * 1_000;
  const uniqueNames = [...new Set(names.map(checkQueueName))];
  const name = checkWorkerName(options.name ?? defaultName());
  return {
    queues: uniqueNames,
    name,
    jobModules: (options.jobModules ?? []).map(parseModulePattern),
    mayEnqueue: enqueueRule(uniqueNames, options.allowEnqueue ?? []),
    burst: options.burst ?? false,
    resultTtl: parseDuration(
      options.resultTtl ?? DEFAULT_RESULT_TTL,
      "resultTtl",
      { zero: true, unlimited: true },
    ),
    workerTtl: Math.max(
      parseDuration(options.workerTtl ?? 60, "workerTtl"),
      MIN_WORKER_TTL,
    ),
    heartbeatMs: heartbeat * 1_000,
    sweepMs: parseDuration(
      options.maintenanceInterval ?? 3,
      "maintenanceInterval",
    ) * 1_000,
    ...isolationSettings(uniqueNames, options),
    jobMemory: readMemory(options.jobMemory),
    preload: options.preload ?? false,
    concurrency: checkCount(
      "concurrency",
      options.concurrency ?? 1,
      MAX_CONCURRENCY,
    ),
    maxJobs: checkCount("maxJobs", options.maxJobs ?? Infinity, Infinity),
    maxIdleMs: options.maxIdleTime === undefined
      ? Infinity
      : parseDuration(options.maxIdleTime, "maxIdleTime") * 1_000,
    withScheduler: options.withScheduler ?? false,
    dequeueStrategy: checkStrategy(options.dequeueStrategy ?? "default"),
    graceMs: millis(options.grace, "grace"),
    startPatienceMs: millis(options.startPatience ?? 60, "startPatience"),
    logJobDescription: options.logJobDescription ?? true,
    bigInts: options.bigInts ?? false,
    log: steady(options.log ?? SILENT, name),
  };
}

function enqueueRule(
  queues: readonly string[],
  allowed: readonly string[],
): (queue: string) => boolean {
  const patterns = allowed.map((pattern) => {
    if (pattern === "") {
      throw new RangeError("Cannot use allowEnqueue: a queue's name is empty");
    }
    const parts = pattern.split("*").map((part) => RegExp.escape(part));
    return new RegExp(`^${parts.join(".*")}$`, "s");
  });
  return (queue) =>
    queues.includes(queue) || patterns.some((pattern) => pattern.test(queue));
}

/** Silently giving jobs more than was asked for would be worse than an error. */
function refuseUselessPermissions(options: WorkerOptions): void {
  if (
    Deno.build.standalone && options.permissions !== undefined &&
    options.execPath === undefined
  ) {
    throw new TypeError(
      "Cannot set the permissions of jobs: a compiled worker runs them in itself, with the permissions that it was compiled with; name an installed deno to run them (--deno)",
    );
  }
}

function isolationSettings(
  queues: readonly string[],
  options: WorkerOptions,
): Pick<
  WorkerSettings,
  "isolationOf" | "maxJobsPerProcess" | "maxMemoryPerProcess"
> {
  const { queueIsolation = {}, maxJobsPerProcess, maxMemoryPerProcess } =
    options;
  const usual = checkIsolation(options.isolation ?? "process");
  for (const [queue, isolation] of Object.entries(queueIsolation)) {
    checkIsolation(isolation);
    if (queues.includes(queue)) continue;
    throw new RangeError(
      `Cannot use isolation "${isolation}" for queue "${queue}": the worker has no such queue`,
    );
  }
  const own = new Map(Object.entries(queueIsolation));
  const isolationOf = (queue: string) => own.get(queue) ?? usual;
  const limits = { maxJobsPerProcess, maxMemoryPerProcess };
  for (const [label, limit] of Object.entries(limits)) {
    if (limit === undefined) continue;
    checkCount(label, limit, Infinity);
    if (queues.some((queue) => isolationOf(queue) !== "process")) continue;
    throw new RangeError(
      `Cannot use ${label}: isolation "process" gives each job a process of its own, "reuse" and "shared" do not`,
    );
  }
  return {
    isolationOf,
    maxJobsPerProcess,
    maxMemoryPerProcess: maxMemoryPerProcess ?? 512,
  };
}

function readMemory(size: Size | undefined): number | undefined {
  if (size === undefined) return undefined;
  const bytes = parseSize(size, "jobMemory");
  checkMemory(bytes);
  return bytes;
}

function checkCount(label: string, count: number, most: number): number {
  if (
    count === most || (Number.isInteger(count) && count >= 1 && count < most)
  ) {
    return count;
  }
  throw new RangeError(
    `Cannot use ${label} ${count}: expected a whole number from 1${
      most === Infinity ? "" : ` to ${most}`
    }`,
  );
}

function checkStrategy(strategy: DequeueStrategy): DequeueStrategy {
  if (["default", "round_robin", "random"].includes(strategy)) return strategy;
  throw new RangeError(
    `Cannot use dequeueStrategy "${strategy}": expected default, round_robin or random`,
  );
}

function checkWorkerName(name: string): string {
  if (/^[^\s\p{Cc}]+$/u.test(name)) return name;
  throw new RangeError(
    `Cannot use worker name ${
      JSON.stringify(name)
    }: expected text without spaces`,
  );
}

/** As RQ's first workers were named; a random one where the host's name may not be asked for. */
function defaultName(): string {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  if (allowed.state !== "granted") {
    return crypto.randomUUID().replaceAll("-", "");
  }
  return `${Deno.hostname().split(".", 1)[0]}.${Deno.pid}`;
}
