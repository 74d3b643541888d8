/**
 * Reasons to abort a running job.
 *
 * @module
 */

/**
 * - `lost`: its lease is lost, so nothing of it may be recorded any more
 * - `cold`: a cold shutdown; the job goes back to its queue
 * - `stopped`: the command `stop-job`; it ends as `stopped`
 * - `killed`: the command `kill-horse`; it ends as `failed`
 */
export type AbortKind = "lost" | "cold" | "stopped" | "killed";

/** The reason with which a job's signal is aborted. */
export class JobAborted extends Error {
  override readonly name = "JobAborted";
  /** The reason. */
  readonly kind: AbortKind;

  /** To pass to `AbortController.abort()`. */
  constructor(kind: AbortKind) {
    super(`The job was aborted: ${kind}`);
    this.kind = kind;
  }
}
