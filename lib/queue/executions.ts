/**
 * Executions as users see them.
 *
 * @module
 */

import { dateOfSeconds, parseDate } from "../base/date.ts";
import { executionsOf } from "../store/executions.ts";
import type { Context } from "./context.ts";

/** A run of a job that has not ended, in RQ's words. */
export interface Execution {
  /** Its id; `currentJob.executionId` in the job itself. */
  readonly id: string;
  /** The job's id. */
  readonly jobId: string;
  /** The worker that runs it. */
  readonly workerName: string;
  /** When it began. */
  readonly createdAt: Date | null;
  /** When its worker was heard of last. */
  readonly lastHeartbeat: Date | null;
}

/** See {@linkcode Job.executions}. */
export async function readExecutions(
  { store }: Context,
  jobId: string,
): Promise<Execution[]> {
  const executions = await executionsOf(store, jobId);
  return executions.map(({ createdAt, lastHeartbeat, ...others }) => ({
    ...others,
    jobId,
    createdAt: dateOf(createdAt),
    lastHeartbeat: dateOf(lastHeartbeat),
  }));
}

/** An execution has its times in seconds, the hash of a job as dates. */
function dateOf(text: string): Date | null {
  return dateOfSeconds(text) ?? parseDate(text);
}
