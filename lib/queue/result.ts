/**
 * The results of a job's attempts as users see them, out of what is stored.
 *
 * @module
 */

import { dateOfSeconds, parseDate } from "../base/date.ts";
import type { JsonOptions } from "../job/json.ts";
import {
  decodeFailure,
  decodeResult,
  isFailure,
  isRetry,
  isSuccess,
} from "../job/result_codec.ts";
import {
  attemptsOf,
  latestAttempt,
  type StoredAttempt,
} from "../store/results.ts";
import type { Context } from "./context.ts";

/**
 * How an attempt ended, in RQ's words.
 *
 * - `successful`: the function returned
 * - `failed`: it threw, exceeded its time limit, or its process died; it is not tried again
 * - `stopped`: somebody stopped it
 * - `retried`: it failed, and is tried again
 * - `max_retries_exceeded`: it asked to be tried again, which it had been too often
 */
export type ResultType =
  | "successful"
  | "failed"
  | "stopped"
  | "retried"
  | "max_retries_exceeded";

/** How one attempt of a job ended. */
export interface Result<R = unknown> {
  /** The id of its entry in Redis; those of later attempts are greater. */
  readonly id: string;
  /** The job's id. */
  readonly jobId: string;
  /** How the attempt ended. */
  readonly type: ResultType;
  /** When it was stored. */
  readonly createdAt: Date;
  /**
   * What the function returned; `undefined` if it returned nothing, or did not return.
   *
   * @throws {RangeError} If it has a number that JavaScript cannot hold; see `bigInts`.
   * @throws {SyntaxError} If another serializer than JSON wrote it.
   */
  readonly returnValue: R | undefined;
  /** The text of the failure, including the stack; `null` for a success. */
  readonly excString: string | null;
  /** Which start of the job it was, counted from 1; `null` if a worker of Python ran it. */
  readonly attempt: number | null;
  /** The worker that ran it; `null` if none did: because of a parent, the job has failed without being run. */
  readonly workerName: string | null;
  /** The id of the execution. */
  readonly executionId: string | null;
  /** When it began. */
  readonly executionStartedAt: Date | null;
  /** When it ended. */
  readonly executionEndedAt: Date | null;
  /** The exit code of its process, if that ended by itself before the job had an answer. */
  readonly exitCode: number | null;
  /** The signal that ended its process before the job had an answer, such as `SIGKILL`. */
  readonly signal: string | null;
  /**
   * The most memory that its process had, in bytes. Measured on Linux, for a process that has served no other job; for a
   * success only if the worker has `measureJobs`. A process that was gone at once could not be measured.
   */
  readonly peakMemory: number | null;
  /** The processor time of its process and what that has started and waited for, in seconds; as far as `peakMemory` is known. */
  readonly cpuTime: number | null;
}

/** RQ's `Result.Type`. */
const TYPES: Readonly<Record<number, ResultType>> = {
  1: "successful",
  2: "failed",
  3: "stopped",
  4: "retried",
  5: "max_retries_exceeded",
};

/** See {@linkcode Job.results}. */
export async function resultsOf(
  { store, bigInts }: Context,
  id: string,
): Promise<Result[]> {
  const results: Result[] = [];
  for await (const attempt of attemptsOf(store, id)) {
    const result = readResult(id, attempt, { bigInts });
    if (result !== null) results.push(result);
  }
  return results;
}

/** See {@linkcode Job.latestResult}. */
export async function latestResultOf(
  { store, bigInts }: Context,
  id: string,
): Promise<Result | null> {
  const attempt = await latestAttempt(store, id);
  return attempt && readResult(id, attempt, { bigInts });
}

/** Reads an entry; `null` if it is of no type that RQ has. */
function readResult(
  jobId: string,
  stored: StoredAttempt,
  json: JsonOptions,
): Result | null {
  const type = TYPES[stored.type];
  if (type === undefined) return null;
  const { entryId, text, ofJob } = stored;
  // A plain success leaves to the job's hash what that has, too.
  const isToldByJob = isSuccess(stored) && text("execution_id") === undefined;
  return {
    id: entryId,
    jobId,
    type,
    createdAt: new Date(parseInt(entryId)),
    get returnValue() {
      return isSuccess(stored) ? decodeResult(stored, json) : undefined;
    },
    excString: isFailure(stored) || isRetry(stored)
      ? decodeFailure(stored)
      : null,
    ...(isToldByJob ? runOfJob(ofJob) : runOf(text)),
    exitCode: numberOf(text("x_exit_code")),
    signal: text("x_signal") ?? null,
    peakMemory: numberOf(text("x_peak_memory")),
    cpuTime: numberOf(text("x_cpu_seconds")),
  };
}

type Run = Pick<
  Result,
  | "attempt"
  | "workerName"
  | "executionId"
  | "executionStartedAt"
  | "executionEndedAt"
>;

function runOf(text: StoredAttempt["text"]): Run {
  return {
    attempt: countOf(text("x_attempt")),
    workerName: text("worker_name") ?? null,
    executionId: text("execution_id") ?? null,
    executionStartedAt: dateOfSeconds(text("execution_started_at")),
    executionEndedAt: dateOfSeconds(text("execution_ended_at")),
  };
}

function runOfJob(ofJob: StoredAttempt["ofJob"]): Run {
  const executionId = ofJob("x_execution") ?? null;
  return {
    // The first start is not counted; what Python starts is never.
    attempt: executionId === null ? null : countOf(ofJob("x_attempts")) ?? 1,
    workerName: ofJob("worker_name") ?? null,
    executionId,
    executionStartedAt: parseDate(ofJob("started_at")),
    executionEndedAt: parseDate(ofJob("ended_at")),
  };
}

function numberOf(text: string | undefined): number | null {
  const number = Number(text ?? NaN);
  return Number.isFinite(number) ? number : null;
}

function countOf(text: string | undefined): number | null {
  const count = Number(text);
  return Number.isSafeInteger(count) && count > 0 ? count : null;
}
