/**
 * Running the jobs that are callbacks of others.
 *
 * @module
 */

import type {
  EndedJob,
  FailedJob,
  FinishedJob,
  StoppedJob,
} from "../job/callback.ts";
import { heldCall, type JobCall, UnreadableDataError } from "../job/codec.ts";
import type { JobRecord } from "../job/record.ts";
import { decodeFailure, decodeResult } from "../job/result_codec.ts";
import type { FailureOutcome } from "../runner/runner.ts";
import { type EndedRecord, endedRecord } from "../store/ended_job.ts";
import type { End } from "../store/worker_types.ts";

/**
 * The name of a callback's function, for a job that is one; else `undefined`. It is not always the function of the job's
 * data: that may be what a Python worker has to run.
 */
export function callbackName(job: JobRecord): string | undefined {
  return job.text("x_callback")?.match(/^\w+ (.+)$/)?.[1];
}

/** Whether a Python worker can run a callback: one listened when it was enqueued. */
export function isForPython(job: JobRecord): boolean {
  try {
    return job.call.funcName !== callbackName(job);
  } catch {
    return false; // its data, which others can read, is broken
  }
}

/**
 * The call of a job that is a callback: its function, and what that is told. `undefined` for any other job.
 *
 * @throws {Error} If what it is told cannot be read.
 */
export function callbackCall(
  job: JobRecord,
  bigInts: boolean,
): JobCall | undefined {
  const funcName = callbackName(job);
  if (funcName === undefined) return undefined;
  return { funcName, args: [toldOf(endedRecord(job), bigInts)], kwargs: {} };
}

/**
 * The end of a callback's run that has failed.
 *
 * If its function is not known here, it is tried again if a Python worker may be the next to take it. If none listens, it
 * is kept no longer than a result: a Python program may name such a callback for each of its jobs. A function that is
 * known is not called again after an error, unless that says so.
 *
 * @param resultTtl For how many seconds results are kept.
 */
export function callbackEnd(
  end: End,
  { reason }: FailureOutcome,
  resultTtl: number,
): End {
  if (reason === "missing") return { ...end, ttl: resultTtl };
  return end.retry === undefined ? { ...end, retry: { type: "never" } } : end;
}

/** What a callback is told of a job that has ended. */
export function toldOf(
  { job, outcome }: EndedRecord,
  bigInts: boolean,
): FinishedJob | FailedJob | StoppedJob {
  const ended: EndedJob = {
    id: job.id,
    queue: job.text("origin") ?? "",
    ...callOf(job, bigInts),
    meta: job.meta,
    enqueuedAt: job.text("enqueued_at") ?? "",
    startedAt: job.text("started_at") ?? "",
    endedAt: job.text("ended_at") ?? "",
    worker: job.text("worker_name") ?? "",
  };
  const status = job.text("status");
  const stored = { entryId: "", type: 0, returnValue: undefined };
  if (status === "failed" || status === "stopped") {
    const error = decodeFailure({ ...stored, excString: outcome });
    return { ...ended, status, error };
  }
  const returnValue = outcome === "" ? undefined : outcome;
  const result = decodeResult(
    { ...stored, returnValue, excString: undefined },
    {
      bigInts,
    },
  );
  return { ...ended, status: "finished", result };
}

/** A job whose data cannot be read has failed for that, which its callback is told. */
function callOf(
  job: JobRecord,
  bigInts: boolean,
): Pick<EndedJob, "func" | "args" | "kwargs"> {
  try {
    const { funcName, args, kwargs } = heldCall(job.call, bigInts);
    return { func: funcName, args, kwargs };
  } catch (error) {
    if (!(error instanceof UnreadableDataError)) throw error;
    return { func: "", args: [], kwargs: {} };
  }
}
