/**
 * The worker's logger, which uses `@std/log`.
 *
 * @module
 */

import { BaseHandler } from "@std/log/base-handler";
import { LogLevels } from "@std/log/levels";
import { Logger, type LogRecord } from "@std/log/logger";
import { checkChoice } from "../base/options.ts";
import { printable, printableJson, printableLines } from "../base/printable.ts";
import type { LogFacts, WorkerLog } from "../worker/log.ts";
import { STDERR, STDOUT } from "../worker/output.ts";

/** The format of log lines: `23:44:48 text` as in RQ, or one JSON object per line. */
export type LogFormat = "text" | "json";

/** The formats. */
export const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

/** The lowest level that is logged, under the names of `@std/log`. */
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

/**
 * Reads a level, in upper or lower case.
 *
 * @param label What it is called in the error.
 * @throws {RangeError} If there is no such level.
 */
export function parseLevel(name: string, label: string): LogLevel {
  return LEVELS[checkChoice(label, name.toUpperCase(), Object.keys(LEVELS))]!;
}

/**
 * Creates the program's logger. As in RQ, errors go to stderr and everything else to stdout. Lines that cannot be
 * written are dropped and counted, which the worker tells: a stuck log must not stop it.
 */
export function makeLogger(level: LogLevel, format: LogFormat): WorkerLog {
  return makeLoggerOf(level, format === "json" ? jsonLine : textLine);
}

/** The same, with lines as they are made by a function; what a line says in detail follows it. */
export function makeLineLogger(
  level: LogLevel,
  lineOf: (record: LogRecord) => string,
): WorkerLog {
  return makeLoggerOf(level, (record) => withDetails(lineOf(record), record));
}

function makeLoggerOf(
  level: LogLevel,
  format: (record: LogRecord) => string,
): WorkerLog {
  const logger = new Logger("rq.worker", level, {
    handlers: [new StreamHandler(format)],
  });
  return {
    debug: (text) => logger.debug(text),
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
    error: (text) => logger.error(text),
    takes: (method) => LogLevels[LEVELS[method.toUpperCase()]!] >= logger.level,
    record: (level, text, facts) => logger[level](text, facts),
  };
}

class StreamHandler extends BaseHandler {
  /** The format needs the record, which {@linkcode BaseHandler.log} does not get. */
  constructor(formatter: (record: LogRecord) => string) {
    super("DEBUG", { formatter });
  }

  override handle(record: LogRecord): void {
    if (record.level < this.level) return;
    const stream = record.level >= LogLevels.ERROR ? STDERR : STDOUT;
    stream.print(this.format(record));
  }

  override log(_text: string): void {}
}

function textLine(record: LogRecord): string {
  const { datetime, msg } = record;
  const time = [
    datetime.getHours(),
    datetime.getMinutes(),
    datetime.getSeconds(),
  ].map((n) => String(n).padStart(2, "0")).join(":");
  return withDetails(`${time} ${msg}`, record);
}

function withDetails(text: string, { args }: LogRecord): string {
  const { details } = factsOf(args);
  const line = printable(text);
  return details === undefined ? line : `${line}\n${printableLines(details)}`;
}

function jsonLine(
  { datetime, levelName, loggerName, msg, args }: LogRecord,
): string {
  const { details, ...facts } = factsOf(args);
  return printableJson({
    time: datetime.toISOString(),
    level: levelName,
    logger: loggerName,
    message: msg,
    ...facts,
    ...(details === undefined ? {} : { error: details }),
  });
}

function factsOf(args: readonly unknown[]): LogFacts {
  const [facts] = args;
  return typeof facts === "object" && facts !== null ? facts : {};
}
