/**
 * What the commands that go on until they are stopped share: signals, a pid file, the log.
 *
 * @module
 */

import { checkChoice } from "../base/options.ts";
import { CannotStartError } from "../worker/errors.ts";
import type { WorkerLog } from "../worker/log.ts";
import type { ParsedFlags } from "./flags.ts";
import {
  LOG_FORMATS,
  type LogFormat,
  type LogLevel,
  makeLogger,
  parseLevel,
} from "./log.ts";
import { isPythonFormat } from "./rq_flags.ts";

/** A command that goes on until it is stopped. */
export interface Program {
  /** Resolves when it has ended. */
  run(): Promise<unknown>;
  /** The first signal. */
  stop(): void;
  /** Those after it. */
  stopNow(): void;
}

/** Milliseconds within which a second signal counts as an echo of the first: terminal and parent may both send it. */
const ECHO_MS = 100;

/** Runs a program until it ends. */
export async function runProgram(
  program: Program,
  flags: ParsedFlags,
): Promise<void> {
  const pidFile = flags.values.get("pid")?.[0];
  if (pidFile) await writePid(pidFile);
  let last = -Infinity;
  const onSignal = () => {
    const now = performance.now();
    if (now - last < ECHO_MS) return;
    if (last === -Infinity) program.stop();
    else program.stopNow();
    last = now;
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  try {
    await program.run();
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    if (pidFile) await removePid(pidFile);
  }
}

/** The log that the flags ask for. */
export function logOf(flags: ParsedFlags): WorkerLog {
  return makeLogger(levelFlag(flags), formatFlag(flags));
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
