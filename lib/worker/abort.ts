/**
 * Why a running job is killed before its time.
 *
 * @module
 */

/**
 * - `lost`: its lease is gone, so that nothing of it may be recorded any more
 * - `cold`: the worker leaves at once; the job goes back to its queue
 * - `stopped`: `stop-job`; it ends as `stopped`
 * - `killed`: `kill-horse`; it ends as `failed`
 */
export type AbortKind = "lost" | "cold" | "stopped" | "killed";

/** The reason with which a job's signal is aborted. */
export class JobAborted extends Error {
  override readonly name = "JobAborted";
  /** Why. */
  readonly kind: AbortKind;

  /** Given to `AbortController.abort()`. */
  constructor(kind: AbortKind) {
    super(`The job was aborted: ${kind}`);
    this.kind = kind;
  }
}
