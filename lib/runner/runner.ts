/**
 * The interface between the worker and the ways in which jobs are executed.
 *
 * @module
 */

import type { MetaPatch } from "../job/meta.ts";
import type { RetryWish } from "../job/retry_wish.ts";
import type { JobStatus } from "../job/status.ts";

/** What is needed to run a job. All of it can be JSON. */
export interface RunRequest {
  /** The job's id. */
  readonly jobId: string;
  /** The id of this run; each run of a job has its own. */
  readonly executionId: string;
  /** 1 for the first run of the job, 2 for the next. */
  readonly attempt: number;
  /** The name of its queue. */
  readonly origin: string;
  /** The id of its group. @default none */
  readonly groupId?: string;
  /** The function reference as stored: `jobs.mail.send`, `jobs/send-mail.ts#send`, `file:///…#send`. */
  readonly funcName: string;
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Passed as one last object argument if not empty. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The job's `meta` when it started. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Longest run in seconds; `-1` for no limit. */
  readonly timeout: number;
  /** Runs a function of ours instead of the one that is named: `webhook` sends a request. */
  readonly builtin?: "webhook";
  /** Whether the result and follow-up jobs may contain BigInts; `args` may in any case. @default false */
  readonly bigInts?: boolean;
}

/** How a run ended. */
export type Outcome = SuccessOutcome | FailureOutcome | AsleepOutcome;

/** The job sleeps, as its calls of {@linkcode JobHost.steps} have arranged; it is run again later. */
export interface AsleepOutcome {
  /** Discriminant. */
  readonly type: "asleep";
}

/** The function returned. */
export interface SuccessOutcome {
  /** Discriminant. */
  readonly type: "success";
  /** The returned value as JSON text; absent if the function returned `undefined`. */
  readonly result?: string;
}

/** The function did not return, or what it returned cannot be stored. */
export interface FailureOutcome {
  /** Discriminant. */
  readonly type: "failure";
  /** The kind of failure. */
  readonly reason: FailureReason;
  /** One line for the log. */
  readonly message: string;
  /** The text to store: name, message, stack, causes. */
  readonly excInfo: string;
  /** The names of the error that the job threw, and of its classes, separated by line breaks. */
  readonly errorNames?: string;
  /** What the job says about a retry. */
  readonly retry?: RetryWish;
}

/**
 * - `error`: the function threw, or left a rejection unhandled
 * - `missing`: the module or export does not exist
 * - `load`: the export is no function, or the module threw at import; or Deno refuses the job's project
 * - `result`: JSON cannot represent the returned value
 * - `timeout`: the job exceeded its time limit
 * - `exit`: the job called `Deno.exit()`
 * - `memory`: the subprocess ran out of memory, or exceeded its limit
 * - `crash`: the subprocess was ended by a signal, or exited without an answer
 * - `start`: no subprocess can be started now, which is not the job's fault; the job has not begun
 */
export type FailureReason =
  | "error"
  | "missing"
  | "load"
  | "result"
  | "timeout"
  | "exit"
  | "memory"
  | "crash"
  | "start";

/** Performs the calls of a running job. */
export interface JobHost {
  /** Adds a follow-up job; resolves to its id once it is stored. */
  enqueue(request: EnqueueRequest): Promise<string>;
  /** What became of the job's parents: JSON of a list of {@linkcode ParentReport}. */
  parents(): Promise<string>;
  /** Merges a patch into the job's stored `meta`. */
  saveMeta(patch: MetaPatch): Promise<void>;
  /** Stores the job's progress, from 0 to 1. */
  saveProgress(value: number, note: string | undefined): Promise<void>;
  /** Does what a step of the job asks for; see {@linkcode StepCall}. */
  steps(call: StepCall): Promise<string>;
  /** Stores parts that the job has yielded, each as JSON. */
  emit(parts: readonly string[]): Promise<void>;
  /** Adds text to the job's log. */
  log(text: string): Promise<void>;
  /**
   * Takes what the job prints, besides the sink; the bytes are valid until it returns. It is not called for jobs that run
   * side by side in one process, whose output cannot be told apart.
   */
  readonly printed?:
    | ((source: "stdout" | "stderr", bytes: Uint8Array) => void)
    | undefined;
}

/**
 * What steps ask of the worker. Values are JSON, or empty for `undefined`.
 *
 * - `step`: what this step has returned in an earlier run: `=` and the value, else nothing
 * - `keepStep`: keeps what it has returned
 * - `sleep`, `waitFor`: `over`, or `=` and the value of the signal; else nothing: the job is to sleep
 */
export type StepCall =
  | { readonly method: "step"; readonly name: string }
  | {
    readonly method: "keepStep";
    readonly name: string;
    readonly value: string;
  }
  | {
    readonly method: "sleep" | "waitFor";
    readonly name: string;
    /** How long it lasts at most. @default for ever */
    readonly seconds?: number;
  };

/** What became of a job on which the running one depends, as the worker sends it to the subprocess. */
export interface ParentReport {
  readonly id: string;
  /** `null` if the job is gone. */
  readonly status: JobStatus | null;
  /** What it returned, as JSON text; absent if it returned nothing, or has not finished. */
  readonly result?: string;
  /** The text of its failure. */
  readonly error?: string;
  /** Whether its result is not there any more. */
  readonly expired: boolean;
}

/** A follow-up job, as the subprocess sends it to the worker. */
export interface EnqueueRequest {
  /** The queue's name; the job's own queue by default. */
  readonly queue?: string;
  /** A module and export, or a dotted path; see `RunRequest.funcName`. */
  readonly func: string;
  /** The options of `Queue.enqueueCall()`, all of them JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What is known of a job's process. What could not be measured is missing. */
export interface ProcessFacts {
  /** The exit code, if it ended by itself before the job had an answer. */
  readonly exitCode?: number;
  /** The signal that ended it before the job had an answer. */
  readonly signal?: string;
  /** The most memory that it had, in bytes. */
  readonly peakMemory?: number;
  /** The processor time of it and of what it has started and waited for, in seconds. */
  readonly cpuSeconds?: number;
}

/** The options of {@linkcode Runner.run}. */
export interface RunOptions {
  /** Kills the job. */
  readonly signal: AbortSignal;
  /**
   * Told of the job's process before `run()` settles. What a process has used is measured if the job does not succeed, or if
   * the runner measures all; and only in one that has served no other job.
   */
  readonly onProcess?: (facts: ProcessFacts) => void;
}

/** Takes the output of jobs. */
export interface OutputSink {
  /** Output on stdout; the bytes are valid until this resolves. Awaited, so that a slow reader slows the job. */
  stdout(chunk: Uint8Array): Promise<void>;
  /** The same for stderr. */
  stderr(chunk: Uint8Array): Promise<void>;
}

/** Executes jobs, one call of {@linkcode Runner.run} each. */
export interface Runner extends AsyncDisposable {
  /** Prepares for the next job. Never throws: the next `run()` shows what is wrong. */
  prepare(most?: number): void;
  /**
   * Runs one job to its end, and resolves with how it ended, whatever that was.
   * Rejects only if `signal` is aborted: with its reason, after everything that the
   * job started has been killed.
   */
  run(
    request: RunRequest,
    host: JobHost,
    options: RunOptions,
  ): Promise<Outcome>;
  /** Kills everything that runs and frees all resources. */
  close(): Promise<void>;
}
