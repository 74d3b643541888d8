/**
 * One execution, from the claimed job to its end.
 *
 * @module
 */

import { heldCall } from "../job/codec.ts";
import { brokenOutcome } from "../runner/outcomes.ts";
import type {
  FailureOutcome,
  Outcome,
  ProcessFacts,
  Runner,
  RunOptions,
  RunRequest,
} from "../runner/runner.ts";
import {
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
import { STOPPED_TEXT } from "../job/stopped.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import { type End, type Execution, isPutBack } from "../store/worker_types.ts";
import { type AbortKind, JobAborted } from "./abort.ts";
import { callbackCall, callbackEnd, callbackName } from "./callback_run.ts";
import {
  asleepEnd,
  endOf,
  factsOf,
  failedEnd,
  KILLED,
  releasedEnd,
  requeuedEnd,
} from "./ends.ts";
import { ExecutionHost } from "./job_host.ts";
import type { JobLog } from "./job_log.ts";
import { passedResults } from "./parents.ts";
import { isWebhook, webhookCall } from "./webhook_run.ts";

/** How a run ended: what to record, and what it means for further runs. */
export interface RunEnd {
  /** The end to record; absent if the lease is lost. */
  readonly end?: End;
  /** Whether a process has begun it, which shows that processes can be started. */
  readonly hasBegun: boolean;
  /** Why it could not be run, if that is not the job's fault: then it goes back to its queue. */
  readonly fault?: string;
}

/** The options of an {@linkcode Executor}. */
export interface ExecutorOptions {
  readonly store: WorkerStore;
  /** Chooses the runner of an execution. */
  readonly runnerOf: (execution: Execution) => Runner;
  /** Whether jobs may enqueue on a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  /** For how many seconds results are kept if the job does not say; `-1` for ever. */
  readonly resultTtl: number;
  /** Whether BigInts are read and written. */
  readonly bigInts: boolean;
  /** How many bytes of what a job prints are kept in its log. @default none */
  readonly captureLogs?: number | undefined;
  readonly jobLog: JobLog;
}

/** Runs executions. It does not record their ends, but returns them. */
export class Executor {
  readonly #options: ExecutorOptions;

  /** One for each worker. */
  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /**
   * Runs one job to its end; never rejects.
   *
   * @param signal Kills the job; its reason is a {@linkcode JobAborted}.
   */
  async run(execution: Execution, signal: AbortSignal): Promise<RunEnd> {
    const { jobLog } = this.#options;
    const began = Date.now();
    const host = this.#hostOf(execution);
    let process: ProcessFacts = {};
    try {
      jobLog.begin(execution);
      const outcome = await this.#run(execution, host, {
        signal,
        onProcess: (facts) => process = facts,
      });
      const ms = Date.now() - began;
      await host.finishLog();
      return withFacts(this.#answered(execution, host, outcome, ms), process);
    } catch (error) {
      const ms = Date.now() - began;
      await host.finishLog();
      if (error instanceof JobAborted) {
        const end = this.#aborted(execution, error.kind, ms);
        return withFacts({ hasBegun: false, ...end }, process);
      }
      const fault = `Cannot run the job: ${error}`;
      jobLog.fault(execution, error);
      return { hasBegun: false, fault, end: requeuedEnd(execution) };
    }
  }

  /** The end of a job that is not begun: it goes back to its queue, unless it was stopped, killed or lost. */
  notBegun(execution: Execution, abortedBy?: AbortKind): End | undefined {
    return abortedBy === undefined || abortedBy === "cold"
      ? releasedEnd(execution, this.#options.store.serverTime)
      : this.#aborted(execution, abortedBy, 0).end;
  }

  #hostOf(execution: Execution): ExecutionHost {
    const { store, jobLog, captureLogs } = this.#options;
    return new ExecutionHost(store, execution, {
      ...this.#options,
      logBytes: captureLogs,
      onLogError: (error) => jobLog.logNotStored(execution, error),
    });
  }

  async #run(
    execution: Execution,
    host: ExecutionHost,
    options: RunOptions,
  ): Promise<Outcome> {
    const { runnerOf, store, bigInts, captureLogs } = this.#options;
    options.signal.throwIfAborted();
    let request: RunRequest;
    try {
      request = requestOf(execution, bigInts);
      if (execution.job.text("x_pass_results") !== undefined) {
        const results = await passedResults(store, execution.job, bigInts);
        request = { ...request, args: [...request.args, ...results] };
      }
    } catch (error) {
      if (!(error instanceof Error) || isOfRedis(error)) throw error;
      return notRun(error);
    }
    if (captureLogs !== undefined) await host.keepPrinted();
    return await runnerOf(execution).run(request, host, options);
  }

  #answered(
    execution: Execution,
    { wake, needsHooks }: ExecutionHost,
    outcome: Outcome,
    ms: number,
  ): RunEnd {
    const { resultTtl } = this.#options;
    const workedMs = Math.max(0, ms);
    if (outcome.type === "success") {
      const end = endOf(execution, outcome, workedMs, resultTtl);
      return { hasBegun: true, end: needsHooks ? { ...end, needsHooks } : end };
    }
    if (outcome.type === "failure") {
      return this.#failed(execution, outcome, workedMs);
    }
    if (wake === undefined) {
      const broken = brokenOutcome("it sleeps without having said so");
      return this.#failed(execution, broken, workedMs);
    }
    return { hasBegun: true, end: asleepEnd(execution, wake, workedMs) };
  }

  #failed(
    execution: Execution,
    outcome: FailureOutcome,
    workedMs: number,
  ): RunEnd {
    const { store, resultTtl, jobLog } = this.#options;
    if (outcome.reason === "start") {
      const end = releasedEnd(execution, store.serverTime);
      return { hasBegun: false, fault: whyUnstarted(outcome), end };
    }
    const failed = endOf(execution, outcome, workedMs, resultTtl);
    const isCallback = callbackName(execution.job) !== undefined;
    const end = isCallback ? callbackEnd(failed, outcome, resultTtl) : failed;
    const { reason } = outcome;
    if (isCallback && reason === "missing") {
      jobLog.unknownCallback(execution, outcome.message);
    } else if (end.retry?.type !== "again") {
      jobLog.failed(end, outcome.excInfo);
    }
    // A function that was not found was not looked for in a process.
    return { hasBegun: reason !== "load" && reason !== "missing", end };
  }

  #aborted(
    execution: Execution,
    kind: AbortKind,
    ms: number,
  ): { readonly end?: End } {
    const workedMs = Math.max(0, ms);
    this.#options.jobLog.aborted(execution, kind, workedMs);
    switch (kind) {
      case "lost":
        return {};
      case "cold":
        return { end: requeuedEnd(execution) };
      case "stopped":
        return { end: failedEnd(execution, "stopped", STOPPED_TEXT, workedMs) };
      case "killed":
        return { end: failedEnd(execution, "failed", KILLED, workedMs) };
    }
  }
}

/** An end that is kept as a result, with what is known of the job's process. */
function withFacts(run: RunEnd, process: ProcessFacts): RunEnd {
  const { end } = run;
  if (end === undefined || isPutBack(end) || end.outcome === "asleep") {
    return run;
  }
  const facts = factsOf(process);
  return facts === undefined ? run : { ...run, end: { ...end, facts } };
}

/** What happened, and the line in which the subprocess says why, if there is one. */
function whyUnstarted({ message, excInfo }: FailureOutcome): string {
  const said = excInfo.slice(message.length).split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
  const line = said.find((text) => /^error\b/i.test(text)) ?? said.at(-1);
  return line === undefined ? message : `${message}: ${line}`;
}

/**
 * What is run for an execution.
 *
 * @throws {UnreadableDataError | RangeError} If the hash does not say what to run.
 */
export function requestOf(
  { id, queue, job }: Execution,
  bigInts: boolean,
): RunRequest {
  const call = webhookCall(job) ?? callbackCall(job, bigInts) ?? job.call;
  const { funcName, args, kwargs } = heldCall(call, bigInts);
  const groupId = job.text("group_id");
  return {
    jobId: job.id,
    executionId: id,
    attempt: job.integer("x_attempts") ?? 1,
    origin: queue,
    funcName,
    args,
    kwargs,
    meta: job.meta,
    timeout: job.timeout,
    ...(isWebhook(job) ? { builtin: "webhook" } : {}),
    ...(bigInts ? { bigInts } : {}),
    ...(groupId === undefined ? {} : { groupId }),
  };
}

/** Whether Redis could not be asked for the results of parents, which is not the job's fault. */
function isOfRedis(error: Error): boolean {
  return error instanceof ReplyError || error instanceof ConnectionLostError ||
    error instanceof ConnectionRefusedError;
}

/** The failure of a job that cannot be run because of its own data. */
function notRun(error: Error): FailureOutcome {
  const cause = error.cause instanceof Error
    ? `\nCaused by ${error.cause.name}: ${error.cause.message}`
    : "";
  return {
    type: "failure",
    reason: "load",
    message: error.message,
    excInfo: `${error.name}: ${error.message}${cause}`,
  };
}
