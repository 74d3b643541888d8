/**
 * The interface of the worker's log. `Logger` of `@std/log` and `console` implement it.
 *
 * @module
 */

import { printable, printableLines } from "../base/printable.ts";

/** The level of a line. */
export type LogMethod = "debug" | "info" | "warn" | "error";

/** What a line is about, for logs that programs read. All values may come from outside, and are not escaped. */
export interface LogFacts {
  /** The job's id. */
  readonly jobId?: string;
  /** The queue's name. */
  readonly queue?: string;
  /** The job's function, as stored. */
  readonly func?: string;
  /** How many milliseconds the job ran. */
  readonly durationMs?: number;
  /** The worker's name. */
  readonly worker?: string;
  /** What does not fit on a line: an error with its stack. */
  readonly details?: string;
}

/**
 * Takes lines of text, by level. Text from outside is escaped; an error with its stack is on further lines,
 * which are indented.
 */
export interface WorkerLog {
  /** Details for debugging. */
  debug(text: string): unknown;
  /** The life of the worker and of its jobs. */
  info(text: string): unknown;
  /** Problems that somebody should look at. */
  warn(text: string): unknown;
  /** Failures. */
  error(text: string): unknown;
  /** If present, it tells which levels it takes: lines of others may be left out, since composing them takes time. */
  takes?(method: LogMethod): boolean;
  /** If present, it is called instead of the others, with the unescaped text and the facts. */
  record?(method: LogMethod, text: string, facts: LogFacts): unknown;
}

/** A log that never throws; each line may have facts. */
export interface SteadyLog extends
  Readonly<
    Record<LogMethod, (text: string, facts?: LogFacts) => void>
  > {
  /** Whether lines of this level are taken. One that is not need not be composed. */
  takes(method: LogMethod): boolean;
}

/** Logs nothing. */
export const SILENT: SteadyLog = {
  takes: () => false,
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * Wraps a log for the worker: text from outside is escaped, and a line that the log refuses is dropped.
 *
 * @param worker The worker's name, a fact of every line.
 */
export function steady(log: WorkerLog, worker: string): SteadyLog {
  const write = (method: LogMethod, text: string, facts: LogFacts) => {
    if (log.record !== undefined) {
      return log.record(method, text, { worker, ...facts });
    }
    const { details } = facts;
    const line = printable(text);
    return log[method](
      details === undefined ? line : `${line}\n${printableLines(details)}`,
    );
  };
  const guarded = (method: LogMethod) => (text: string, facts?: LogFacts) => {
    try {
      const taken = write(method, text, facts ?? {});
      if (taken instanceof Promise) taken.catch(() => {});
    } catch {
      // A broken log must not stop the worker, and there is no other place to report it.
    }
  };
  return {
    takes: (method) => {
      try {
        return log.takes?.(method) ?? true;
      } catch {
        return true;
      }
    },
    debug: guarded("debug"),
    info: guarded("info"),
    warn: guarded("warn"),
    error: guarded("error"),
  };
}

/** Logs an error in one line, and its stack where the log shows it (`--verbose`). */
export function logError(
  log: SteadyLog,
  error: unknown,
  options: { readonly action?: string; readonly facts?: LogFacts } = {},
): void {
  const { action, facts = {} } = options;
  const text = error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error);
  log.error(action === undefined ? text : `${action}: ${text}`, facts);
  const details = Deno.inspect(error, { colors: false });
  log.debug("Details of the error", { ...facts, details });
}
