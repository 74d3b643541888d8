/**
 * The seam between the worker and the way one job is executed.
 *
 * @module
 */

/** What a job is, as far as running it goes. Everything in it can be JSON. */
export interface RunRequest {
  /** The job's id. */
  readonly jobId: string;
  /** This run's own id; another run of the same job has another. */
  readonly executionId: string;
  /** 1 for the first run of the job, 2 for the next. */
  readonly attempt: number;
  /** The queue that it came from. */
  readonly origin: string;
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
  /** Whether the result, and arguments of follow-up jobs, may have BigInts; `args` may have them anyhow. @default false */
  readonly bigInts?: boolean;
}

/** How a run ended. */
export type Outcome = SuccessOutcome | FailureOutcome;

/** The function returned. */
export interface SuccessOutcome {
  /** Tells the two outcomes apart. */
  readonly type: "success";
  /** The returned value as JSON text; absent where the function returned `undefined`. */
  readonly result?: string;
}

/** The function did not return, or what it returned cannot be stored. */
export interface FailureOutcome {
  /** Tells the two outcomes apart. */
  readonly type: "failure";
  /** What kind of failure it was. */
  readonly reason: FailureReason;
  /** One line for the log. */
  readonly message: string;
  /** What is stored: name, message, stack, causes. */
  readonly excInfo: string;
}

/**
 * - `error`: the function threw, or a rejection was left unhandled
 * - `load`: the module or the export was not found, is no function, or threw at import; or Deno refuses the job's project
 * - `result`: the returned value cannot be JSON
 * - `timeout`: the time limit passed
 * - `exit`: the job called `Deno.exit()`
 * - `memory`: the subprocess ran out of memory, or used more than it may
 * - `crash`: the subprocess ended by a signal, or without an answer
 * - `start`: no subprocess can be started now, which is not the job's fault; the job has not begun
 */
export type FailureReason =
  | "error"
  | "load"
  | "result"
  | "timeout"
  | "exit"
  | "memory"
  | "crash"
  | "start";

/** What a running job may ask of its worker. */
export interface JobHost {
  /** Adds a follow-up job; resolves to its id once it is stored. */
  enqueue(request: EnqueueRequest): Promise<string>;
  /** Replaces the job's stored `meta`. */
  saveMeta(meta: Record<string, unknown>): Promise<void>;
  /** Stores how far the job is, from 0 to 1. */
  saveProgress(value: number, note: string | undefined): Promise<void>;
}

/** A follow-up job, as it crosses from the subprocess to the worker. */
export interface EnqueueRequest {
  /** The queue's name; the job's own queue by default. */
  readonly queue?: string;
  /** A module and export, or a dotted path; see `RunRequest.funcName`. */
  readonly func: string;
  /** The options of `Queue.enqueueCall()`, all of them JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Where a job's output goes. */
export interface OutputSink {
  /** What the job printed on its stdout; the bytes are only valid until this is done. Awaited, so that a slow reader slows the job. */
  stdout(chunk: Uint8Array): Promise<void>;
  /** What the job printed on its stderr. */
  stderr(chunk: Uint8Array): Promise<void>;
}

/** Executes jobs, one call of {@linkcode Runner.run} each. */
export interface Runner extends AsyncDisposable {
  /** Gets ready for the next job ahead of time. Never throws: what is wrong shows in the next `run()`. */
  prepare(): void;
  /**
   * Runs one job to its end. Resolves with how it ended, whatever that was.
   * Rejects only if `signal` fired: then everything the job started has been killed
   * at once, and the rejection is the signal's reason.
   */
  run(
    request: RunRequest,
    host: JobHost,
    options: { readonly signal: AbortSignal },
  ): Promise<Outcome>;
  /** Kills what is left and frees everything. */
  close(): Promise<void>;
}
