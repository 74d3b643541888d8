/**
 * What the worker and a subprocess tell each other. Lines of JSON go in by the
 * subprocess's control pipe (`control_pipe.ts`), messages in frames come back (`frames.ts`).
 *
 * @module
 */

import type { Isolation } from "../job/isolation.ts";
import { encodePythonJson } from "../job/json.ts";
import type { EnqueueRequest, FailureReason, RunRequest } from "./runner.ts";

/** The first argument with which a compiled worker starts itself as a subprocess. */
export const CHILD_ARGUMENT = "--deno-rq-child";

/** The file descriptor of the control pipe, where that is not stdin; a shell reads one digit. */
export const CONTROL_FD = 9;

/** The file by which a subprocess opens it. */
export const CONTROL_PATH: string = `/dev/fd/${CONTROL_FD}`;

/**
 * The last argument of a subprocess whose control pipe is there. Without it the number may be that of anything that the
 * program itself has opened.
 */
export const CONTROL_ARGUMENT = "--deno-rq-control";

/** The longest result in bytes of JSON: 64 MB. */
export const MAX_RESULT_SIZE: number = 64 * 1024 * 1024;

/** The most calls of one job that its worker may have in hand; further ones wait in the subprocess. */
export const MAX_CALLS = 1_000;

/** The most bytes of JSON in them together, and so in one: 64 MB. */
export const MAX_CALL_BYTES: number = 64 * 1024 * 1024;

/** Tells whether a compiled program was started as a subprocess; its arguments are `Deno.args`. */
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

/** Writes a message as a line; NaN and the infinities as Python does, since Python's jobs may have them. */
export function encodeMessage(message: ControlMessage): string {
  return `${encodePythonJson(message)}\n`;
}

/** Writes a {@linkcode RunMessage} around a job that is JSON already. */
export function encodeRun(run: number, job: string, isQuiet: boolean): string {
  return `{"type":"run","run":${run},"isQuiet":${isQuiet},"job":${job}}\n`;
}

/** The first line. */
export interface HelloMessage {
  /** Tells it from the others. */
  readonly type: "hello";
  /** The token of the frames, in hexadecimal digits. */
  readonly token: string;
  /** Whether it serves one job, several one after the other, or several side by side. */
  readonly isolation: Isolation;
  /** Bytes of memory beyond which it says that it is full; absent for a process that serves one job. */
  readonly memoryLimit?: number;
}

/** A module that the next job most likely needs. */
export interface PreloadMessage {
  /** Tells it from the others. */
  readonly type: "preload";
  /** The module. */
  readonly url: string;
}

/** The job to run. */
export interface RunMessage {
  /** Tells it from the others. */
  readonly type: "run";
  /** Its number: the subprocess's first run is 1, the next 2. */
  readonly run: number;
  /** Whether stderr needs no mark after a success, since nothing has been printed there for some jobs. */
  readonly isQuiet: boolean;
  /** What to call. */
  readonly job: RunnableJob;
}

/** A job whose function has been found. */
export interface RunnableJob {
  /** The module to import. */
  readonly url: string;
  /** The export to call. */
  readonly exportName: string;
  /** The job. */
  readonly request: RunRequest;
}

/** The job is to stop: its time is up, or somebody has asked for it. */
export interface AbortMessage {
  /** Tells it from the others. */
  readonly type: "abort";
  /** Whose. */
  readonly run: number;
  /** The name of the signal's reason: `TimeoutError` or `AbortError`. */
  readonly name: "TimeoutError" | "AbortError";
  /** Its message. */
  readonly message: string;
}

/** The answer to a call. */
export interface ReplyMessage {
  /** Tells it from the others. */
  readonly type: "reply";
  /** Whose call it was. */
  readonly run: number;
  /** The call's number. */
  readonly id: number;
  /** What it resolves to. */
  readonly value?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** What a running job asks of its worker. */
export type CallRequest =
  | { readonly method: "enqueue"; readonly request: EnqueueRequest }
  | { readonly method: "saveMeta"; readonly meta: Record<string, unknown> }
  | {
    readonly method: "saveProgress";
    readonly value: number;
    readonly note?: string;
  };

/** It, with its number. */
export type CallMessage = { readonly id: number } & CallRequest;

/** Why a job failed, as the subprocess tells it. */
export interface FailureMessage {
  /** What kind of failure it was. */
  readonly reason: FailureReason;
  /** One line for the log. */
  readonly message: string;
  /** What is stored. */
  readonly excInfo: string;
}
