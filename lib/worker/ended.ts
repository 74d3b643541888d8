/**
 * How executions end, in the worker's terms.
 *
 * @module
 */

import type { Outcome } from "../runner/runner.ts";
import type { AbortKind } from "./abort.ts";

/** RQ's words for a job that `stop-job` ended. */
export const STOPPED = "Job stopped by user, work-horse terminated.";
/** RQ's words for a job that `kill-horse` ended. */
export const KILLED =
  "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ";

/** How an execution ended, before it is put into the terms of the store. */
export type Ended =
  | {
    readonly kind: "outcome";
    readonly outcome: Outcome;
    /** Milliseconds that the run took. */
    readonly workedMs: number;
  }
  | { readonly kind: AbortKind; readonly workedMs: number }
  /** It goes back where it was claimed, and has not begun. */
  | { readonly kind: "returned" }
  /** Likewise: no process could be started for it. */
  | { readonly kind: "unstarted"; readonly why: string }
  /** The worker itself has failed; it goes back. */
  | { readonly kind: "broken"; readonly why: string };

/** Whether the job goes back to the head of its queue. */
export function isPutBack({ kind }: Ended): boolean {
  return kind === "returned" || kind === "unstarted" || kind === "broken" ||
    kind === "cold";
}

/** Whether an end proves that jobs can be begun: one whose function was not found has needed no process. */
export function hasBegun(ended: Ended): boolean {
  if (ended.kind !== "outcome") return false;
  const { outcome } = ended;
  return outcome.type === "success" || outcome.reason !== "load";
}
