/**
 * Errors that keep a worker from starting, or from going on.
 *
 * @module
 */

/** Another living worker has the worker's name. */
export class WorkerNameTakenError extends Error {
  /** The class's name. */
  override readonly name = "WorkerNameTakenError";
}

/** The worker lacks something that it needs to run jobs. Jobs that it had claimed have been put back. */
export class CannotStartError extends Error {
  /** The class's name. */
  override readonly name = "CannotStartError";
}
