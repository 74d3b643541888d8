/**
 * From the command line to a worker.
 *
 * @module
 */

import { nearest } from "../base/nearest.ts";
import { type Isolation, ISOLATIONS } from "../job/isolation.ts";
import type { WorkerOptions } from "../worker/options.ts";
import { CannotStartError } from "../worker/errors.ts";
import { DEQUEUE_STRATEGIES } from "../worker/fetcher.ts";
import { Worker } from "../worker/worker.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import { checkRqFlags, heartbeatFlag, isPythonFormat } from "./rq_flags.ts";
import { LEVEL_NAMES, levelOf, type LogFormat, makeLogger } from "./log.ts";

/** Milliseconds within which a second signal is the echo of the first: a terminal and a parent both send it. */
const ECHO_MS = 100;

/** RQ's other commands: a queue of such a name has to be given with `--queues`. */
const OTHER_COMMANDS: readonly string[] = [
  "info",
  "enqueue",
  "requeue",
  "empty",
  "suspend",
  "resume",
  "cron",
  "worker-pool",
];

const DRIVERS = ["@db/redis", "ioredis"] as const;

/** Runs a worker until it leaves; gives the exit code. */
export async function workerCommand(flags: ParsedFlags): Promise<number> {
  const worker = makeWorker(flags);
  const pidFile = flags.values.get("pid")?.[0];
  if (pidFile) await writePid(pidFile);
  let last = -Infinity;
  const onSignal = () => {
    const now = performance.now();
    if (now - last < ECHO_MS) return;
    if (last === -Infinity) worker.stop();
    else worker.stopNow();
    last = now;
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  try {
    await worker.work();
    return 0;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    if (pidFile) await removePid(pidFile);
  }
}

async function writePid(file: string): Promise<void> {
  try {
    await Deno.writeTextFile(file, `${Deno.pid}\n`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CannotStartError(`Cannot write the pid file ${file}: ${why}`, {
      cause,
    });
  }
}

async function removePid(file: string): Promise<void> {
  try {
    await Deno.remove(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function makeWorker(flags: ParsedFlags): Worker {
  const { values, switches } = flags;
  const one = (name: string) => values.get(name)?.[0];
  const log = makeLogger(levelFlag(flags), formatFlag(flags));
  const warnings = checkRqFlags(flags);
  const warn = (text: string) => void warnings.push(text);
  const options: WorkerOptions = {
    ...given("connection", one("url")),
    ...given("permissions", flags.jobPermissions),
    ...given("denoArgs", values.get("job-deno-arg")),
    burst: switches.has("burst"),
    withScheduler: switches.has("with-scheduler"),
    preload: switches.has("preload"),
    bigInts: switches.has("big-ints"),
    logJobDescription: !switches.has("disable-job-desc-logging"),
    log,
    ...given("name", one("name")),
    ...given("paths", values.get("path")),
    ...given("jobModules", listFlag(flags, "job-modules")),
    ...given("allowEnqueue", listFlag(flags, "job-allow-enqueue")),
    ...given("execPath", one("deno")),
    ...given("prefix", one("prefix")),
    ...given("resultTtl", one("results-ttl")),
    ...given("workerTtl", one("worker-ttl")),
    ...given("jobMonitoringInterval", heartbeatFlag(flags, warn)),
    ...given("maintenanceInterval", one("maintenance-interval")),
    ...given("maxIdleTime", one("max-idle-time")),
    ...given("grace", one("grace")),
    ...isolationFlag(flags),
    ...given("maxJobsPerProcess", numberFlag(flags, "max-jobs-per-process")),
    ...given(
      "maxMemoryPerProcess",
      numberFlag(flags, "max-memory-per-process"),
    ),
    ...given("jobMemory", one("job-memory")),
    ...given("concurrency", numberFlag(flags, "concurrency")),
    ...given("maxJobs", numberFlag(flags, "max-jobs")),
    ...given(
      "dequeueStrategy",
      choice(flags, "dequeue-strategy", DEQUEUE_STRATEGIES),
    ),
    ...given("driver", choice(flags, "driver", DRIVERS)),
  };
  try {
    const worker = new Worker(queuesOf(flags), options);
    for (const warning of warnings) log.warn(warning);
    return worker;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) {
      throw error;
    }
    throw new UsageError(error.message, { cause: error });
  }
}

function queuesOf(flags: ParsedFlags): string[] {
  const { positional } = flags;
  const named = listFlag(flags, "queues") ?? [];
  const [command, ...rest] = positional;
  if (command !== undefined && OTHER_COMMANDS.includes(command)) {
    throw new UsageError(
      `Unknown command "${command}": the only one here is worker; a queue of this name is given by --queues ${command}`,
    );
  }
  const queues = [...named, ...(command === "worker" ? rest : positional)];
  return queues.length === 0 ? ["default"] : queues;
}

/** `WAY` for all queues, `QUEUE=WAY` for one. */
function isolationFlag(
  { values }: ParsedFlags,
): Pick<WorkerOptions, "isolation" | "queueIsolation"> {
  const ways = new Map<string | undefined, Isolation>();
  for (const value of values.get("isolation") ?? []) {
    const at = value.lastIndexOf("=");
    const queue = at < 0 ? undefined : value.slice(0, at);
    if (ways.has(queue)) {
      throw new UsageError(
        `--isolation was given twice${queue ? ` for queue ${queue}` : ""}`,
      );
    }
    ways.set(queue, oneOf("isolation", value.slice(at + 1), ISOLATIONS));
  }
  const usual = ways.get(undefined);
  ways.delete(undefined);
  return {
    ...given("isolation", usual),
    queueIsolation: Object.fromEntries(ways),
  };
}

function levelFlag({ values, switches }: ParsedFlags) {
  const name = values.get("logging-level")?.[0] ??
    (switches.has("verbose")
      ? "DEBUG"
      : switches.has("quiet")
      ? "WARN"
      : "INFO");
  const level = levelOf(name);
  if (level !== undefined) return level;
  throw badChoice("logging-level", name, LEVEL_NAMES);
}

function formatFlag(flags: ParsedFlags): LogFormat {
  if (isPythonFormat(flags.values.get("log-format")?.[0])) return "text";
  return choice(flags, "log-format", ["text", "json"]) ?? "text";
}

function choice<T extends string>(
  { values }: ParsedFlags,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = values.get(name)?.[0];
  return value === undefined ? undefined : oneOf(name, value, choices);
}

function oneOf<T extends string>(
  name: string,
  value: string,
  choices: readonly T[],
): T {
  const chosen = choices.find((entry) => entry === value);
  if (chosen !== undefined) return chosen;
  throw badChoice(name, value, choices);
}

function badChoice(
  name: string,
  value: string,
  choices: readonly string[],
): UsageError {
  const like = nearest(value, choices);
  return new UsageError(
    `--${name} cannot be "${value}": expected ${choices.join(", ")}${
      like ? `; did you mean ${like}?` : ""
    }`,
  );
}

/** Separated by commas, or given several times. */
function listFlag(
  { values }: ParsedFlags,
  name: string,
): string[] | undefined {
  return values.get(name)?.flatMap((list) => list.split(","))
    .map((entry) => entry.trim());
}

function numberFlag({ values }: ParsedFlags, name: string): number | undefined {
  const value = values.get(name)?.[0];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(
    `--${name} cannot be "${value}": expected a whole number`,
  );
}

/** An object with one property, or none where there is no value. */
function given<K extends string, V>(
  key: K,
  value: V | undefined,
): { [key in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [key in K]: V };
}
