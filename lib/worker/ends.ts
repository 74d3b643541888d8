/**
 * Creates the ends of executions that are to be recorded.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import type { JobRecord } from "../job/record.ts";
import { mayRetry } from "../job/retry.ts";
import type { RetryWish } from "../job/retry_wish.ts";
import { encodeFailure, encodeResult } from "../job/result_codec.ts";
import type { Wake } from "../job/steps.ts";
import type {
  AsleepOutcome,
  FailureOutcome,
  FailureReason,
  Outcome,
  ProcessFacts,
} from "../runner/runner.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { ResultField } from "../store/fields.ts";
import type { End, Execution } from "../store/worker_types.ts";

/** RQ's words for a job that `kill-horse` ended. */
export const KILLED =
  "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ";

/**
 * The end of an execution for a runner's outcome.
 *
 * @param resultTtl For how many seconds a result is kept if the job does not say; `-1` for ever.
 */
export function endOf(
  execution: Execution,
  outcome: Exclude<Outcome, AsleepOutcome>,
  workedMs: number,
  resultTtl: number,
): End {
  if (outcome.type === "failure") {
    return failedEnd(execution, "failed", outcome.excInfo, workedMs, {
      names: namesOf(outcome),
      ...(outcome.retry === undefined ? {} : { retry: outcome.retry }),
    });
  }
  const { result } = outcome;
  return {
    execution,
    outcome: "finished",
    ttl: execution.job.seconds("result_ttl") ?? resultTtl,
    payload: result === undefined ? "" : encodeResult(result),
    workedMs,
  };
}

/** Names for `retryOn` of failures that are no errors. */
const NAMES: Readonly<Partial<Record<FailureReason, readonly string[]>>> = {
  timeout: ["TimeoutError", "JobTimeoutException"],
  crash: ["CrashError"],
  exit: ["ExitError"],
};

/** The names of a failure: of the error and its classes, as far as there is an error. */
function namesOf(outcome: FailureOutcome): readonly string[] {
  const { errorNames, reason, message } = outcome;
  return errorNames?.split("\n") ?? NAMES[reason] ?? message.split(":", 1);
}

/** What a failure says about a retry. */
export interface FailureFacts {
  /** For the job's `retryOn`. @default those of a job whose process was killed */
  readonly names?: readonly string[];
  /** What the job itself asks for. */
  readonly retry?: RetryWish;
}

/** The end of a job that has failed or was stopped. */
export function failedEnd(
  execution: Execution,
  outcome: "failed" | "stopped",
  text: string,
  workedMs: number,
  { names = NAMES.crash!, retry }: FailureFacts = {},
): End {
  const { job } = execution;
  const ttl = job.seconds("failure_ttl") ?? DEFAULT_FAILURE_TTL;
  const payload = encodeFailure(text);
  const wish = retry ?? (mayRetry(job, names) ? undefined : NEVER);
  const end = { execution, outcome, ttl, payload, workedMs };
  const random = Math.random();
  return { ...end, random, ...(wish === undefined ? {} : { retry: wish }) };
}

/** What is known of a job's process, as fields of the result; `undefined` for nothing. */
export function factsOf(process: ProcessFacts): End["facts"] {
  const { exitCode, signal, peakMemory, cpuSeconds } = process;
  const facts: [ResultField, RedisArg | undefined][] = [
    ["x_exit_code", exitCode],
    ["x_signal", signal],
    ["x_peak_memory", peakMemory],
    ["x_cpu_seconds", cpuSeconds],
  ];
  const known = facts.filter((fact): fact is [ResultField, RedisArg] =>
    fact[1] !== undefined
  );
  return known.length === 0 ? undefined : new Map(known);
}

const NEVER: RetryWish = { type: "never" };

/** The end of a run whose job sleeps. */
export function asleepEnd(
  execution: Execution,
  wake: Wake,
  workedMs: number,
): End {
  const payload = JSON.stringify(wake);
  return { execution, outcome: "asleep", ttl: 0, payload, workedMs };
}

/** The end of a job that goes back to the head of its queue in the middle of its run. */
export function requeuedEnd(execution: Execution): End {
  return { execution, outcome: "requeued", ttl: 0, payload: "", workedMs: 0 };
}

/**
 * The end of a job that goes back to the head of its queue as if it had not been claimed.
 *
 * @param serverTime Milliseconds since 1970.
 */
export function releasedEnd(execution: Execution, serverTime: number): End {
  const ttl = secondsLeft(execution.job, serverTime);
  return { execution, outcome: "released", ttl, payload: "", workedMs: 0 };
}

/** For how many seconds a job may still wait in its queue: at least one, -1 for ever. */
function secondsLeft(job: JobRecord, now: number): number {
  const ttl = job.integer("ttl");
  if (ttl === undefined || ttl <= 0) return -1;
  const since = job.date("enqueued_at")?.getTime() ?? now;
  return Math.max(1, Math.ceil(ttl - (now - since) / 1_000));
}
