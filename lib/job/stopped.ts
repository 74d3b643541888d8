/** What is stored of a job that was stopped. @module */

import type { JobRecord } from "./record.ts";

/** RQ's words for the failure of a job that somebody has stopped. */
export const STOPPED_TEXT: string =
  "Job stopped by user, work-horse terminated.";

/** Who has stopped a job, and why, as far as that was said. */
export interface StoppedBy {
  /** Whoever it was, as he has named himself. */
  readonly by?: string;
  /** Why. */
  readonly reason?: string;
}

/** What a job's hash says about that; `null` if it was not stopped by a call that says so. */
export function stoppedBy(record: JobRecord): StoppedBy | null {
  const isAsked = record.fields.get("x_stop") !== undefined;
  if (!isAsked || record.text("status") !== "stopped") return null;
  // Executions of RQ before 2.0 have no id. Where the two differ, an earlier run was asked to stop, and had finished.
  const [asked, latest] = [record.text("x_stop"), record.text("x_execution")];
  if (latest !== undefined && asked !== latest) return null;
  const [by, reason] = [record.text("x_stop_by"), record.text("x_stop_reason")];
  return {
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
  };
}
