/**
 * The protocol between a worker and a subprocess: lines of JSON go to the subprocess through its
 * control pipe (`control_pipe.ts`), messages in frames come back (`frames.ts`).
 *
 * @module
 */

import type { Isolation } from "../job/isolation.ts";
import { encodePythonJson } from "../job/json.ts";
import type { MetaPatch } from "../job/meta.ts";
import type { HookRefs } from "./middleware.ts";
import type { RetryWish } from "../job/retry_wish.ts";
import type {
  EnqueueRequest,
  FailureReason,
  RunRequest,
  StepCall,
} from "./runner.ts";

/** The first argument with which a compiled worker starts itself as a subprocess. */
export const CHILD_ARGUMENT = "--deno-rq-child";

/** The file descriptor of the control pipe, if that is not stdin. One digit, as a shell accepts no more. */
export const CONTROL_FD = 9;

/** The path by which a subprocess opens it. */
export const CONTROL_PATH: string = `/dev/fd/${CONTROL_FD}`;

/**
 * The last argument of a subprocess whose control pipe is at {@linkcode CONTROL_PATH}. Without this argument, the
 * descriptor may be any file that the program has opened.
 */
export const CONTROL_ARGUMENT = "--deno-rq-control";

/** Stands for the module that sends webhooks, which a subprocess has in whatever way it was started. */
export const WEBHOOK_URL = "deno-rq:webhook";

/** The largest result, in bytes of JSON: 64 MB. */
export const MAX_RESULT_SIZE: number = 64 * 1024 * 1024;

/** The most pending calls of one job; further ones wait in the subprocess. */
export const MAX_CALLS = 1_000;

/** The most bytes of JSON in all pending calls of a job, and so in a single one: 64 MB. */
export const MAX_CALL_BYTES: number = 64 * 1024 * 1024;

/** The longest text of one call that logs, in code units; of a longer one, only the end is sent. */
export const MAX_LOG_TEXT: number = 4 * 1024 * 1024;

/** Whether a compiled program was started as a subprocess; `args` are `Deno.args`. */
export function isChildInvocation(args: readonly string[]): boolean {
  return args[0] === CHILD_ARGUMENT;
}

/** A line on a subprocess's control pipe. */
export type ControlMessage =
  | HelloMessage
  | PreloadMessage
  | RunMessage
  | AbortMessage
  | ReplyMessage;

/** Encodes a message as a line; NaN and the infinities as Python does, whose jobs may have them. */
export function encodeMessage(message: ControlMessage): string {
  return `${encodePythonJson(message)}\n`;
}

/** Encodes a {@linkcode RunMessage} with a job that is JSON already. */
export function encodeRun(run: number, job: string, isQuiet: boolean): string {
  return `{"type":"run","run":${run},"isQuiet":${isQuiet},"job":${job}}\n`;
}

/** The first line. */
export interface HelloMessage {
  /**  */
  readonly type: "hello";
  /** The token of the frames, in hexadecimal. */
  readonly token: string;
  /** The isolation of the jobs that it will run. */
  readonly isolation: Isolation;
  /** The memory in bytes beyond which it reports `full`; absent for a process that serves one job. */
  readonly memoryLimit?: number;
  /** What runs around its jobs, to be loaded before it is ready. @default nothing */
  readonly hooks?: HookRefs;
}

/** Loads a module ahead of time, which the next job probably needs. */
export interface PreloadMessage {
  /**  */
  readonly type: "preload";
  /** The module's URL. */
  readonly url: string;
}

/** Runs a job. */
export interface RunMessage {
  /**  */
  readonly type: "run";
  /** The run's number: the subprocess's first run is 1, the next 2. */
  readonly run: number;
  /** Whether to omit the mark on stderr after a success, since the last jobs have printed nothing there. */
  readonly isQuiet: boolean;
  /** The job. */
  readonly job: RunnableJob;
}

/** A job whose function has been found. */
export interface RunnableJob {
  /** The module to import. */
  readonly url: string;
  /** The export to call, or `Class.method`. */
  readonly exportName: string;
  /** The request. */
  readonly request: RunRequest;
}

/** Asks a job to stop: its time is up, or somebody has stopped it. */
export interface AbortMessage {
  /**  */
  readonly type: "abort";
  /** The number of the run. */
  readonly run: number;
  /** The name of the signal's reason: `TimeoutError` or `AbortError`. */
  readonly name: "TimeoutError" | "AbortError";
  /** Its message. */
  readonly message: string;
}

/** The reply to a call. */
export interface ReplyMessage {
  /**  */
  readonly type: "reply";
  /** The number of the run that made the call. */
  readonly run: number;
  /** The call's number. */
  readonly id: number;
  /** The value, if it succeeded. */
  readonly value?: string;
  /** The error's message, if it failed. */
  readonly error?: string;
  /** The error's name, such as `DuplicateJobError`. */
  readonly name?: string;
}

/** A running job's call to its worker. */
export type CallRequest =
  | { readonly method: "enqueue"; readonly request: EnqueueRequest }
  | { readonly method: "parents" }
  | { readonly method: "saveMeta"; readonly patch: MetaPatch }
  | {
    readonly method: "saveProgress";
    readonly value: number;
    readonly note?: string;
  }
  | { readonly method: "emit"; readonly parts: readonly string[] }
  | { readonly method: "log"; readonly text: string }
  | StepCall;

/** A call with its number. */
export type CallMessage = { readonly id: number } & CallRequest;

/** A failure, as reported by the subprocess. */
export interface FailureMessage {
  /** The kind of failure. */
  readonly reason: FailureReason;
  /** One line for the log. */
  readonly message: string;
  /** The text to store. */
  readonly excInfo: string;
  /** The names of a thrown error and of its classes, separated by line breaks. */
  readonly errorNames?: string;
  /** What the job says about a retry. */
  readonly retry?: RetryWish;
}
