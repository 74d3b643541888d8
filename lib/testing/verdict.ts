/**
 * What the ends of its parents mean for a job in memory; see `dependency()`.
 *
 * @module
 */

import type { IfParentFails } from "../job/dependency.ts";
import { hasEnded, type JobStatus } from "../job/status.ts";
import type { MemoryJob } from "./memory_job.ts";

/** What becomes of a job that waits for others. */
export type Verdict =
  | { readonly what: "go" | "stay" }
  | {
    readonly what: "fail" | "cancel";
    /** The text of its failure. */
    readonly why: string;
    /** The parent, and how that has ended, as they are stored. */
    readonly decidedBy: string;
  };

/** How a parent has ended: a status; `enqueue` if whoever canceled it lets the jobs that wait for it go on. */
export type ParentEnd = JobStatus | "deleted" | "enqueue";

/**
 * What becomes of a job.
 *
 * @param statusOf The status of a parent; `undefined` if it is gone, which is not the same as being deleted now.
 */
export function verdictOf(
  job: MemoryJob,
  statusOf: (id: string) => ParentEnd | undefined,
): Verdict {
  const policies = policiesOf(job);
  let what: "go" | "stay" = "go";
  for (const parent of job.parents) {
    const status = statusOf(parent);
    const verdict = weigh(policies?.[parent] ?? policies?.["*"], status);
    if (verdict === "fail" || verdict === "cancel") {
      const how = status ?? "deleted";
      const why =
        `ParentFailedError: Cannot run the job: job "${parent}", on which it depends, has ended as ${how}`;
      return { what: verdict, why, decidedBy: `${parent} ${how}` };
    }
    if (verdict === "stay") what = "stay";
  }
  return { what };
}

/** What one parent means for a job, as the scripts weigh it. */
function weigh(
  policy: IfParentFails | undefined,
  status: ParentEnd | undefined,
): "go" | "stay" | "fail" | "cancel" {
  if (status === "finished" || status === "enqueue") return "go";
  const isOver = status === undefined || status === "deleted" ||
    hasEnded(status);
  if (policy === "run") return isOver ? "go" : "stay";
  if (policy === "fail" || policy === "cancel") return isOver ? policy : "stay";
  // As in RQ, a parent that is gone counts as done.
  return status === undefined ? "go" : "stay";
}

/** Policies by the ids of parents, `*` for all others. */
function policiesOf(
  { record }: MemoryJob,
): Readonly<Record<string, IfParentFails>> | undefined {
  const text = record.text("x_if_parent_fails");
  return text === undefined ? undefined : JSON.parse(text);
}
