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

/**
 * What becomes of a job.
 *
 * @param statusOf The status of a parent; `undefined` if it is gone.
 */
export function verdictOf(
  job: MemoryJob,
  statusOf: (id: string) => JobStatus | undefined,
): Verdict {
  const policies = policiesOf(job);
  let what: "go" | "stay" = "go";
  for (const parent of job.parents) {
    const status = statusOf(parent);
    if (status === "finished") continue;
    const isOver = status === undefined || hasEnded(status);
    const policy = policies?.[parent] ?? policies?.["*"];
    if (isOver && (policy === "fail" || policy === "cancel")) {
      const how = status ?? "deleted";
      const why =
        `ParentFailedError: Cannot run the job: job "${parent}", on which it depends, has ended as ${how}`;
      return { what: policy, why, decidedBy: `${parent} ${how}` };
    }
    // As in RQ, a parent that is gone counts as done for a job without policies.
    const goes = isOver && policy === "run" ||
      policies === undefined && status === undefined;
    if (!goes) what = "stay";
  }
  return { what };
}

/** Policies by the ids of parents, `*` for all others. */
function policiesOf(
  { record }: MemoryJob,
): Readonly<Record<string, IfParentFails>> | undefined {
  const text = record.text("x_if_parent_fails");
  return text === undefined ? undefined : JSON.parse(text);
}
