/**
 * The options of a worker, checked, and their defaults.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { refuseUnknown } from "../base/options.ts";
import { checkIsolation, type Isolation } from "../job/isolation.ts";
import { checkQueueName } from "../job/names.ts";
import { DEFAULT_RESULT_TTL } from "../job/options.ts";
import {
  type ModulePattern,
  parseModulePattern,
} from "../runner/module_patterns.ts";
import { parseSize, type Size } from "../base/size.ts";
import { checkMemory } from "../runner/limits.ts";
import { readDenoArgs } from "../runner/deno_args.ts";
import { checkPermissionFlags } from "../runner/permissions.ts";
import { DEQUEUE_STRATEGIES, type DequeueStrategy } from "./fetcher.ts";
import { SILENT, steady, type SteadyLog } from "./log.ts";
import { OPTION_NAMES, type WorkerOptions } from "./options.ts";

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

/** Fewest seconds that a worker's hash stays: sweepers look there for what a dead worker had in hand. */
const MIN_WORKER_TTL = 30;

/** Most jobs at once: a claim hands out so many in one reply. */
const MAX_CONCURRENCY = 1_000;

/** Most seconds between two heartbeats: a lease survives two that are late or lost. */
export const MAX_HEARTBEAT = 5;

/**
 * Checks the settings of a worker.
 *
 * @throws {RangeError | TypeError} naming the one that is wrong
 */
export function checkSettings(
  queues: string | readonly string[],
  options: WorkerOptions,
): WorkerSettings {
  refuseUnknown(options, OPTION_NAMES, "Cannot make a worker");
  refuseUseless(options);
  checkPermissionFlags(options.permissions ?? []);
  readDenoArgs(options.denoArgs ?? []);
  checkPaths(options.paths ?? []);
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
function refuseUseless({ permissions, denoArgs, execPath }: WorkerOptions) {
  if (!Deno.build.standalone || execPath !== undefined) return;
  const what = permissions !== undefined
    ? "permissions"
    : (denoArgs ?? []).length > 0
    ? "Deno's flags"
    : undefined;
  if (what === undefined) return;
  throw new TypeError(
    `Cannot set the ${what} of jobs: a compiled worker runs them in itself, with what it was compiled with; name an installed deno to run them (--deno)`,
  );
}

/** A folder that is not there would make every job fail. */
function checkPaths(paths: readonly string[]): void {
  for (const path of paths) {
    let why: string | undefined;
    try {
      if (!Deno.statSync(path).isDirectory) why = "it is no directory";
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) continue; // nobody can tell
      if (!(error instanceof Error)) throw error;
      why = error instanceof Deno.errors.NotFound
        ? "it does not exist"
        : error.message;
    }
    if (why === undefined) continue;
    throw new RangeError(`Cannot look for jobs under path "${path}": ${why}`);
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
  if (DEQUEUE_STRATEGIES.includes(strategy)) return strategy;
  throw new RangeError(
    `Cannot use dequeueStrategy "${strategy}": expected one of ${
      DEQUEUE_STRATEGIES.join(", ")
    }`,
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
