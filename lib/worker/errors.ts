/**
 * Why a worker cannot begin, or go on.
 *
 * @module
 */

/** A worker cannot take its name: another one that lives has it. */
export class WorkerNameTakenError extends Error {
  /** The class's name. */
  override readonly name = "WorkerNameTakenError";
}

/** Something that the worker needs to run jobs is missing; what it had claimed has been put back. */
export class CannotStartError extends Error {
  /** The class's name. */
  override readonly name = "CannotStartError";
}
