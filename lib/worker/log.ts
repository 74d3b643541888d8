/**
 * What the worker needs of a logger; `Logger` of `@std/log` has it, and so has `console`.
 *
 * @module
 */

import { printable, printableLines } from "../base/printable.ts";

/** How much a line matters. */
export type LogMethod = "debug" | "info" | "warn" | "error";

/** What a line is about, for logs that are read by programs. All of it may come from outside, untouched. */
export interface LogFacts {
  /** The job's id. */
  readonly jobId?: string;
  /** The queue's name. */
  readonly queue?: string;
  /** The job's function, as it is stored. */
  readonly func?: string;
  /** Milliseconds that the job ran. */
  readonly durationMs?: number;
  /** The worker's name. */
  readonly worker?: string;
  /** More than goes on a line: an error with its stack. */
  readonly details?: string;
}

/**
 * Takes lines of text, by how much they matter. What comes from outside is escaped in them; an error with its
 * stack is on further lines, which are indented.
 */
export interface WorkerLog {
  /** Steps that only somebody who looks for a fault wants to see. */
  debug(text: string): unknown;
  /** The life of the worker and of its jobs. */
  info(text: string): unknown;
  /** What somebody should look at. */
  warn(text: string): unknown;
  /** What failed. */
  error(text: string): unknown;
  /** Where there is one, it is called instead of the others, with the text as it is and the facts apart. */
  record?(method: LogMethod, text: string, facts: LogFacts): unknown;
}

/** A log whose failures are nobody else's; each line may come with facts. */
export type SteadyLog = Readonly<
  Record<LogMethod, (text: string, facts?: LogFacts) => void>
>;

/** Logs nothing. */
export const SILENT: WorkerLog = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * The one way in which the worker logs: what came from outside is escaped, and a line that cannot be taken is dropped.
 *
 * @param worker the worker's name, a fact of every line
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
      // Whoever logs has jobs in hand, and nowhere to complain to.
    }
  };
  return {
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
