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
  type LogLevel,
  makeLineLogger,
  makeLogger,
  parseLevel,
} from "./log.ts";
import type { Liveness } from "./liveness.ts";

/** A command that goes on until it is stopped. */
export interface Program {
  /** Resolves when it has ended. */
  run(): Promise<unknown>;
  /** The first signal. */
  stop(): void;
  /** Those after it. */
  stopNow(): void;
  /** Resolves with whether it has begun to do its work, `false` if it ended before. */
  readonly listening: Promise<boolean>;
  /** SIGHUP. Without this, it ends the program at once. */
  restart?(): Promise<void>;
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
  try {
    let liveness: Liveness | undefined;
    using stops = new Stops({
      ...program,
      stop() {
        liveness?.stopping();
        program.stop();
      },
    });
    await using _living = liveness = await livenessOf(program, flags);
    if (flags.switches.has("until-eof")) stops.atEndOf(Deno.stdin.readable);
    await program.run();
  } finally {
    if (pidFile) await removePid(pidFile);
  }
}

/** Tells whoever wants to know whether the program lives. */
async function livenessOf(
  { listening }: Program,
  flags: ParsedFlags,
): Promise<Liveness | undefined> {
  const file = flags.values.get("heartbeat-file")?.[0];
  const variable = "NOTIFY_SOCKET";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const isOfSystemd = state === "granted" && Deno.env.has(variable);
  if (file === undefined && !isOfSystemd) return undefined;
  const { Liveness } = await import("./liveness.ts");
  return await Liveness.begin({ file, listening, log: await logOf(flags) });
}

/** Stops a program when it is told to, by a signal or by the end of stdin. */
class Stops implements Disposable {
  readonly #program: Program;
  readonly #listeners: [Deno.Signal, () => void][] = [];
  readonly #isOnTerminal = Deno.stdin.isTerminal();
  #isStopping = false;
  #lastSignal = -Infinity;
  #stdin: ReadableStreamDefaultReader<unknown> | undefined;

  constructor(program: Program) {
    this.#program = program;
    const isWindows = Deno.build.os === "windows";
    this.#listen("SIGINT", () => this.#stop());
    this.#listen(isWindows ? "SIGBREAK" : "SIGTERM", () => this.#stop());
    if (!isWindows && program.restart !== undefined) {
      this.#listen("SIGHUP", () => this.#hangUp());
    }
  }

  /** Begins a warm shutdown at the end of stdin. */
  async atEndOf(stdin: ReadableStream<unknown>): Promise<void> {
    this.#stdin = stdin.getReader();
    while (!(await this.#stdin.read()).done);
    this.#warm();
  }

  /** Listens no more. A read of stdin would keep the program alive. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) {
      Deno.removeSignalListener(signal, listener);
    }
    this.#isStopping = true;
    this.#stdin?.cancel();
  }

  #listen(signal: Deno.Signal, listener: () => void): void {
    Deno.addSignalListener(signal, listener);
    this.#listeners.push([signal, listener]);
  }

  #stop(): void {
    const now = performance.now();
    if (now - this.#lastSignal < ECHO_MS) return;
    this.#lastSignal = now;
    if (this.#isStopping) this.#program.stopNow();
    else this.#warm();
  }

  /** The terminal is gone, or somebody asks for a restart. */
  #hangUp(): void {
    if (this.#isOnTerminal && !Deno.stdin.isTerminal()) this.#warm();
    else this.#program.restart?.();
  }

  #warm(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#program.stop();
  }
}

/** The log that the flags ask for. */
export async function logOf(flags: ParsedFlags): Promise<WorkerLog> {
  const level = levelFlag(flags);
  const [format] = flags.values.get("log-format") ?? [];
  const [dateFormat] = flags.values.get("date-format") ?? [];
  const isPython = format !== undefined && /%\(\w+\)/.test(format);
  if (!isPython && (dateFormat === undefined || format === "json")) {
    const known = checkChoice("--log-format", format ?? "text", LOG_FORMATS);
    return makeLogger(level, known);
  }
  const { pythonLines } = await import("./python_format.ts");
  const lineOf = pythonLines(isPython ? format : undefined, dateFormat);
  return makeLineLogger(
    level,
    ({ datetime, levelName, loggerName, msg }) =>
      lineOf({
        date: datetime,
        level: levelName,
        logger: loggerName,
        message: msg,
      }),
  );
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
