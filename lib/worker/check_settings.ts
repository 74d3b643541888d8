/**
 * Checks the options of a worker and applies the defaults.
 *
 * @module
 */

import { refuseUnknown } from "../base/options.ts";
import { checkIsolation, type Isolation } from "../job/isolation.ts";
import { checkQueueName } from "../job/names.ts";
import { readDenoArgs } from "../runner/deno_args.ts";
import { checkMemory } from "../runner/limits.ts";
import type { HookRefs } from "../runner/middleware.ts";
import {
  type ModulePattern,
  parseModulePattern,
} from "../runner/module_patterns.ts";
import { checkPermissionFlags } from "../runner/permissions.ts";
import { checkSetting } from "./check_setting.ts";
import { hookRefs } from "./hook_refs.ts";
import { checkWeighted } from "./queue_order.ts";
import { SILENT, steady, type SteadyLog } from "./log.ts";
import type { WorkerOptions } from "./options.ts";
import { type CheckedOptions, OPTION_NAMES, SETTING_LIST } from "./settings.ts";

/** Options that are replaced by the check. */
type Changed =
  | "name"
  | "jobModules"
  | "allowEnqueue"
  | "isolation"
  | "queueIsolation"
  | "log";

/** Checked {@linkcode WorkerOptions}, with the defaults. */
export interface WorkerSettings extends Omit<CheckedOptions, Changed> {
  readonly queues: readonly string[];
  readonly name: string;
  readonly jobModules: readonly ModulePattern[];
  /** Whether jobs may enqueue on a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  /** The isolation of a queue. */
  readonly isolationOf: (queue: string) => Isolation;
  readonly log: SteadyLog;
  /** What runs around jobs. */
  readonly hooks: HookRefs | undefined;
}

/** The shortest time to live of a worker's hash, in seconds: sweepers read there what a dead worker had in hand. */
const MIN_WORKER_TTL = 30;

/** The longest interval of heartbeats, in seconds: a lease must survive two that are late or lost. */
export const MAX_HEARTBEAT = 5;

/**
 * Checks the settings of a worker.
 *
 * @throws {RangeError | TypeError} It names the one that is wrong.
 */
export function checkSettings(
  queues: string | readonly string[],
  options: WorkerOptions,
): WorkerSettings {
  refuseUnknown(options, OPTION_NAMES, "Cannot make a worker");
  const checked = checkOptions(options);
  refuseUseless(options);
  checkPermissionFlags(checked.permissions ?? []);
  readDenoArgs(checked.denoArgs);
  checkPaths(checked.paths ?? []);
  checkMemory(checked.jobMemory);
  checkHeartbeat(checked.jobMonitoringInterval);
  const names = typeof queues === "string" ? [queues] : queues;
  if (names.length === 0) {
    throw new RangeError("Cannot make a worker: it has no queue");
  }
  const uniqueNames = [...new Set(names.map(checkQueueName))];
  checkWeighted(checked.dequeueStrategy, uniqueNames);
  const name = checkWorkerName(checked.name ?? defaultName());
  const settings = {
    ...checked,
    queues: uniqueNames,
    name,
    jobModules: checked.jobModules.map(parseModulePattern),
    mayEnqueue: enqueueRule(uniqueNames, checked.allowEnqueue),
    isolationOf: isolationRule(uniqueNames, checked),
    workerTtl: Math.max(checked.workerTtl, MIN_WORKER_TTL),
    log: steady(checked.log ?? SILENT, name),
    hooks: hookRefs(checked),
  };
  checkLimits(settings, options);
  return settings;
}

function checkOptions(options: WorkerOptions): CheckedOptions {
  const checked = SETTING_LIST.map((setting) => {
    const { option } = setting;
    const given = options[option];
    const value = given === undefined
      ? setting.default
      : checkSetting(setting, given, option);
    return [option, value];
  });
  return Object.fromEntries(checked) as CheckedOptions;
}

function checkHeartbeat(seconds: number): void {
  if (seconds <= MAX_HEARTBEAT) return;
  throw new RangeError(
    `Cannot use jobMonitoringInterval ${seconds}: leases last 15 seconds, so that ${MAX_HEARTBEAT} is the most`,
  );
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

/** Refuses options that a compiled worker cannot apply to jobs: ignoring a permission flag would be worse. */
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

/** Refuses a path that does not exist: every job would fail. */
function checkPaths(paths: readonly string[]): void {
  for (const path of paths) {
    let why: string | undefined;
    try {
      if (!Deno.statSync(path).isDirectory) why = "it is no directory";
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) continue; // it cannot be checked
      if (!(error instanceof Error)) throw error;
      why = error instanceof Deno.errors.NotFound
        ? "it does not exist"
        : error.message;
    }
    if (why === undefined) continue;
    throw new RangeError(`Cannot look for jobs under path "${path}": ${why}`);
  }
}

function isolationRule(
  queues: readonly string[],
  { isolation: usual, queueIsolation = {} }: CheckedOptions,
): (queue: string) => Isolation {
  for (const [queue, isolation] of Object.entries(queueIsolation)) {
    checkIsolation(isolation);
    if (queues.includes(queue)) continue;
    throw new RangeError(
      `Cannot use isolation "${isolation}" for queue "${queue}": the worker has no such queue`,
    );
  }
  const own = new Map(Object.entries(queueIsolation));
  return (queue) => own.get(queue) ?? usual;
}

/** Refuses limits of processes that serve several jobs if the worker has no such processes. */
function checkLimits(
  settings: WorkerSettings,
  options: WorkerOptions,
): void {
  const { queues, isolationOf } = settings;
  if (queues.some((queue) => isolationOf(queue) !== "process")) return;
  for (const limit of ["maxJobsPerProcess", "maxMemoryPerProcess"] as const) {
    if (options[limit] === undefined) continue;
    throw new RangeError(
      `Cannot use ${limit}: isolation "process" gives each job a process of its own, "reuse" and "shared" do not`,
    );
  }
}

function checkWorkerName(name: string): string {
  if (/^[^\s\p{Cc}]+$/u.test(name)) return name;
  throw new RangeError(
    `Cannot use worker name ${
      JSON.stringify(name)
    }: expected text without spaces`,
  );
}

/** Host name and process id, as RQ used to do; a random name without the permission to read the host name. */
export function defaultName(): string {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  if (allowed.state !== "granted") {
    return crypto.randomUUID().replaceAll("-", "");
  }
  return `${Deno.hostname().split(".", 1)[0]}.${Deno.pid}`;
}
