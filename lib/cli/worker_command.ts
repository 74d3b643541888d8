/**
 * The command `worker`.
 *
 * @module
 */

import { checkChoice } from "../base/options.ts";
import { CannotStartError } from "../worker/errors.ts";
import { Worker } from "../worker/worker.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import {
  LOG_FORMATS,
  type LogFormat,
  type LogLevel,
  makeLogger,
  parseLevel,
} from "./log.ts";
import { checkRqFlags, isPythonFormat } from "./rq_flags.ts";
import { splitList, workerOptions } from "./worker_flags.ts";

/** Milliseconds within which a second signal counts as an echo of the first: terminal and parent may both send it. */
const ECHO_MS = 100;

/** RQ's other commands. A queue with such a name has to be given by `--queues`. */
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

/** Runs a worker until it leaves; returns the exit code. */
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
  try {
    const log = makeLogger(levelFlag(flags), formatFlag(flags));
    const warnings = checkRqFlags(flags);
    const options = workerOptions(flags, (text) => void warnings.push(text));
    const worker = new Worker(queuesOf(flags), { ...options, log });
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
  const { positional, values } = flags;
  const named = splitList(values.get("queues") ?? []);
  const [command, ...rest] = positional;
  if (command !== undefined && OTHER_COMMANDS.includes(command)) {
    throw new UsageError(
      `Unknown command "${command}": the only one is worker; if it is a queue, use --queues ${command}`,
    );
  }
  const queues = [...named, ...(command === "worker" ? rest : positional)];
  return queues.length === 0 ? ["default"] : queues;
}

function levelFlag({ values, switches }: ParsedFlags): LogLevel {
  const usual = switches.has("verbose")
    ? "DEBUG"
    : switches.has("quiet")
    ? "WARN"
    : "INFO";
  const name = values.get("logging-level")?.[0] ?? usual;
  return parseLevel(name, "--logging-level");
}

function formatFlag({ values }: ParsedFlags): LogFormat {
  const format = values.get("log-format")?.[0];
  if (format === undefined || isPythonFormat(format)) return "text";
  return checkChoice("--log-format", format, LOG_FORMATS);
}
