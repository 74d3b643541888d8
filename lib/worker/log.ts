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
