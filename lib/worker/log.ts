/**
 * What the worker needs of a logger; `Logger` of `@std/log` has it, and so has `console`.
 *
 * @module
 */

/** Takes lines of text, by how much they matter. */
export interface WorkerLog {
  /** Steps that only somebody who looks for a fault wants to see. */
  debug(text: string): unknown;
  /** The life of the worker and of its jobs. */
  info(text: string): unknown;
  /** What somebody should look at. */
  warn(text: string): unknown;
  /** What failed. */
  error(text: string): unknown;
}

/** Says nothing. */
export const SILENT: WorkerLog = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/** The same log, whose failures are nobody else's: a line that it cannot take is dropped. */
export function steady(log: WorkerLog): WorkerLog {
  const guarded = (level: keyof WorkerLog) => (text: string): void => {
    try {
      const taken = log[level](text);
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
