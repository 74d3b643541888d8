/**
 * The worker's log lines, through `@std/log`.
 *
 * @module
 */

import { BaseHandler } from "@std/log/base-handler";
import { LogLevels } from "@std/log/levels";
import { Logger, type LogRecord } from "@std/log/logger";
import type { WorkerLog } from "../worker/log.ts";

/** How log lines look: RQ's `23:44:48 text`, or one JSON object a line. */
export type LogFormat = "text" | "json";

/** How much a line must matter to be written; the names of `@std/log`. */
export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Python's names of the levels, and those of `@std/log`. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  DEBUG: "DEBUG",
  INFO: "INFO",
  WARN: "WARN",
  WARNING: "WARN",
  ERROR: "ERROR",
  CRITICAL: "CRITICAL",
};

/** The names that {@linkcode levelOf} takes. */
export const LEVEL_NAMES: readonly string[] = Object.keys(LEVELS);

/** The level of a name in either case, or `undefined`. */
export function levelOf(name: string): LogLevel | undefined {
  return LEVELS[name.toUpperCase()];
}

/** Makes the program's logger. As in RQ, errors go to stderr and all else to stdout. */
export function makeLogger(level: LogLevel, format: LogFormat): WorkerLog {
  return new Logger("rq.worker", level, {
    handlers: [new StreamHandler(format)],
  });
}

class StreamHandler extends BaseHandler {
  /** The format needs the record, which {@linkcode BaseHandler.log} does not get. */
  constructor(format: LogFormat) {
    super("DEBUG", { formatter: format === "json" ? jsonLine : textLine });
  }

  override handle(record: LogRecord): void {
    if (record.level < this.level) return;
    const stream = record.level >= LogLevels.ERROR ? Deno.stderr : Deno.stdout;
    writeAllSync(stream, new TextEncoder().encode(`${this.format(record)}\n`));
  }

  override log(_text: string): void {}
}

function textLine({ datetime, msg }: LogRecord): string {
  const time = [
    datetime.getHours(),
    datetime.getMinutes(),
    datetime.getSeconds(),
  ];
  return `${time.map((n) => String(n).padStart(2, "0")).join(":")} ${msg}`;
}

function jsonLine({ datetime, levelName, loggerName, msg }: LogRecord): string {
  return JSON.stringify({
    time: datetime.toISOString(),
    level: levelName,
    logger: loggerName,
    message: msg,
  });
}

function writeAllSync(
  stream: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(stream.writeSync(rest));
  }
}
