/**
 * The settings of a worker, each declared once. The check of `WorkerOptions`, the program's flags and `--help` are made
 * from this table; the README's table and the `@default` tags of `WorkerOptions` are compared with it by tests.
 *
 * To add one: an entry here, its documentation in `WorkerOptions` (`options.ts`; the compiler says so), and its use,
 * `settings.NAME`. Then `deno task readme` rewrites the README's table.
 *
 * @module
 */

import { type Isolation, ISOLATIONS } from "../job/isolation.ts";
import { DEFAULT_RESULT_TTL } from "../job/options.ts";
import { type DriverName, DRIVERS } from "../redis/redis_client.ts";
import type { SettingKind, SettingValues } from "./check_setting.ts";
import type { WorkerOptions } from "./options.ts";
import { STRATEGIES } from "./queue_order.ts";

/** One setting. */
export interface Setting {
  /** The kind of its values. */
  readonly kind: SettingKind;
  /** What it does, in one sentence, for `--help` and the README. */
  readonly help: string;
  /** The checked value if none is given; `undefined` where it depends. A switch's flag turns it into the opposite. */
  readonly default?: unknown;
  /** How the default is shown where its value does not say it. */
  readonly shown?: string;
  /** The program's flag; without one, it is a setting for embedding programs only. */
  readonly flag?: string;
  /** The flag's short form, as in RQ. */
  readonly short?: string;
  /** What `--help` calls the flag's value. The default is the kind's, such as `TIME`. */
  readonly value?: string;
  /** Whether the flag may be given several times although the option is no list. */
  readonly repeatable?: boolean;
  /** Of a choice: what may be chosen. */
  readonly choices?: readonly string[];
  /** Of a count: the largest. */
  readonly most?: number;
  /** Of a duration: whether 0 is accepted. */
  readonly zero?: boolean;
  /** Of a duration: whether -1 is accepted, for ever. */
  readonly unlimited?: boolean;
  /** Of a duration: whether `Infinity` is accepted. */
  readonly infinite?: boolean;
}

// "as TYPE": `isolatedDeclarations` does not infer types of imported constants.
const SETTINGS = {
  connection: {
    kind: "object",
    help: "where Redis is",
    shown:
      "RQ_REDIS_URL, REDIS_URL, REDIS_HOST and the like, else redis://127.0.0.1:6379",
    flag: "url",
    short: "u",
    value: "URL",
  },
  driver: {
    kind: "choice",
    choices: DRIVERS as readonly DriverName[],
    help: "the package that talks to Redis",
    shown: "@db/redis; ioredis for unix: URLs",
    flag: "driver",
    value: "PACKAGE",
  },
  connectTimeout: {
    kind: "object",
    help: "how long a call waits for a connection before it fails",
    shown: "no limit",
  },
  prefix: {
    kind: "text",
    help: "the prefix of every key",
    shown: "RQ_KEY_PREFIX and a colon, else rq:",
    flag: "prefix",
    value: "TEXT",
  },
  name: {
    kind: "text",
    help: "the worker's name",
    shown: "host name and process id",
    flag: "name",
    short: "n",
    value: "NAME",
  },
  burst: {
    kind: "switch",
    help: "leave once every queue is empty",
    default: false,
    flag: "burst",
    short: "b",
  },
  concurrency: {
    kind: "count",
    help: "how many jobs to run at once",
    default: 1,
    // A claim returns so many in one reply.
    most: 1_000,
    flag: "concurrency",
  },
  dequeueStrategy: {
    kind: "strategy",
    help: `the order in which queues are tried: ${STRATEGIES}` as string,
    default: "default",
    flag: "dequeue-strategy",
    short: "ds",
    value: "WAY",
  },
  withScheduler: {
    kind: "switch",
    help:
      "leave scheduled jobs to other workers, also when their time has come",
    default: true,
    flag: "no-scheduler",
  },
  cron: {
    kind: "text",
    help: "a file whose calls of cron() declare schedules",
    shown: "none",
    flag: "cron",
    value: "FILE",
  },
  maxJobs: {
    kind: "count",
    help: "leave after so many jobs",
    default: Infinity as number,
    flag: "max-jobs",
  },
  maxIdleTime: {
    kind: "duration",
    infinite: true,
    help: "leave after so long without a job",
    default: Infinity as number,
    flag: "max-idle-time",
  },
  maxTime: {
    kind: "duration",
    infinite: true,
    help: "leave after so long; what runs may end, within grace",
    default: Infinity as number,
    flag: "max-time",
  },
  grace: {
    kind: "duration",
    zero: true,
    infinite: true,
    help: "the longest that a warm shutdown lets a job run on",
    default: Infinity as number,
    flag: "grace",
  },
  paths: {
    kind: "texts",
    help: "directories in which job modules are looked for",
    shown: "the project of the working directory, then the working directory",
    flag: "path",
    short: "P",
    value: "DIR",
  },
  middleware: {
    kind: "texts",
    help:
      "a module whose function runs around each job, in its process: ./tracing.ts, ./hooks.ts#trace",
    default: [],
    flag: "middleware",
    value: "MODULE",
  },
  exceptionHandlers: {
    kind: "texts",
    help:
      "a function that is called when a job has thrown, in its process: ./report.ts, hooks.report",
    default: [],
    flag: "exception-handler",
    value: "FUNCTION",
  },
  jobModules: {
    kind: "list",
    help:
      "modules outside the paths that jobs may be loaded from: jsr:@acme/*, npm:@acme/mail, https://acme.com/jobs/",
    default: [],
    flag: "job-modules",
    value: "NAMES",
  },
  allowEnqueue: {
    kind: "list",
    help:
      "queues, besides the worker's own, on which jobs may enqueue; * matches any text",
    default: [],
    flag: "job-allow-enqueue",
    value: "QUEUES",
  },
  permissions: {
    kind: "texts",
    help:
      "the permissions of jobs: Deno's flags, in the program with job- before them",
    shown: "the worker's own permissions",
  },
  isolation: {
    kind: "choice",
    choices: ISOLATIONS as readonly Isolation[],
    help: "which jobs share a process",
    default: "process",
    flag: "isolation",
    value: "[QUEUE=]WAY",
    repeatable: true,
  },
  queueIsolation: {
    kind: "object",
    help: "the isolation of single queues; --isolation QUEUE=WAY",
    shown: "as isolation says",
  },
  maxJobsPerProcess: {
    kind: "count",
    help: "how many jobs a process runs before it is replaced",
    shown: "10000 with reuse, no limit with shared",
    flag: "max-jobs-per-process",
  },
  maxMemoryPerProcess: {
    kind: "count",
    help: "megabytes of memory from which on a process takes no more jobs",
    default: 512,
    flag: "max-memory-per-process",
    value: "MB",
  },
  jobMemory: {
    kind: "size",
    help: "end a job that uses more memory",
    shown: "no limit",
    flag: "job-memory",
  },
  captureLogs: {
    kind: "size",
    help: "keep the end of what each job prints, so many bytes, with the job",
    shown: "nothing",
    flag: "capture-logs",
  },
  preload: {
    kind: "switch",
    help: "load the module of the last job into the next process ahead of time",
    default: false,
    flag: "preload",
  },
  measureJobs: {
    kind: "switch",
    help:
      "also keep with the results of jobs that finish how much memory and processor time their processes have used",
    default: false,
    flag: "measure-jobs",
  },
  execPath: {
    kind: "text",
    help: "an installed deno that runs the jobs",
    shown: "the program that runs the worker",
    flag: "deno",
    value: "FILE",
  },
  denoArgs: {
    kind: "texts",
    help:
      "a further flag of the deno that runs jobs, its value after =: --import-map=map.json",
    default: [],
    flag: "job-deno-arg",
    value: "FLAG",
  },
  bigInts: {
    kind: "switch",
    help:
      "pass integers that a JavaScript number cannot hold as BigInt, instead of failing the job",
    default: false,
    flag: "big-ints",
  },
  resultTtl: {
    kind: "duration",
    zero: true,
    unlimited: true,
    help:
      "how long results are kept, unless the job says; 0 not at all, -1 for ever",
    default: DEFAULT_RESULT_TTL as number,
    flag: "results-ttl",
  },
  workerTtl: {
    kind: "duration",
    help:
      "how long the worker's own hash outlives its last heartbeat, at least 30",
    default: 60,
    flag: "worker-ttl",
  },
  jobMonitoringInterval: {
    kind: "duration",
    help: "time between two heartbeats, at most 5",
    default: 5,
    flag: "job-monitoring-interval",
  },
  maintenanceInterval: {
    kind: "duration",
    help: "time between two sweeps for jobs of dead workers",
    default: 3,
    flag: "maintenance-interval",
  },
  startPatience: {
    kind: "duration",
    zero: true,
    infinite: true,
    help:
      "give up after so long without being able to start a process for jobs",
    default: 60,
    flag: "start-patience",
  },
  logJobDescription: {
    kind: "switch",
    help: "log only the ids of jobs, not their calls",
    default: true,
    flag: "disable-job-desc-logging",
  },
  log: {
    kind: "object",
    help: "where log lines go; the program's are made by --log-format",
    shown: "nowhere",
  },
  signal: {
    kind: "object",
    help: "begins a warm shutdown when it is aborted",
    shown: "none",
  },
} as const;

type Settings = typeof SETTINGS;

/** A worker's options after the check. Lengths of time are seconds, amounts of memory bytes. */
export type CheckedOptions = {
  readonly [K in keyof Settings]:
    | CheckedValue<Settings[K], WorkerOptions[K]>
    | (Settings[K] extends { default: unknown } ? never : undefined);
};

type CheckedValue<S extends Setting, V> = S extends
  { choices: readonly (infer Choice)[] } ? Choice
  : S["kind"] extends "object" ? V
  : SettingValues[S["kind"]];

/** A setting and the name of its option. */
export interface NamedSetting extends Setting {
  /** The option of `WorkerOptions`. */
  readonly option: keyof WorkerOptions;
}

/** All settings, in the order of `--help`. The compiler refuses an option of a worker that is not among them. */
export const SETTING_LIST: readonly NamedSetting[] = named(SETTINGS);

/** The names of all options of a worker. */
export const OPTION_NAMES: ReadonlySet<string> = new Set(Object.keys(SETTINGS));

function named(
  settings: Readonly<Record<keyof WorkerOptions, Setting>>,
): NamedSetting[] {
  const entries = Object.entries(settings) as [keyof WorkerOptions, Setting][];
  return entries.map(([option, setting]) => ({ option, ...setting }));
}

/** The default of a setting, as it is shown. */
export function shownDefault({ shown, default: value }: Setting): string {
  if (shown !== undefined) return shown;
  if (value === Infinity) return "no limit";
  return Array.isArray(value) && value.length === 0 ? "none" : String(value);
}

/** What a setting does, and what may be chosen. */
export function describeSetting({ help, choices }: Setting): string {
  return choices === undefined ? help : `${help}: ${choices.join(", ")}`;
}
