/**
 * What the worker and a subprocess tell each other. Lines of JSON go in by the
 * subprocess's stdin, messages in frames come back; see `frames.ts`.
 *
 * @module
 */

import { encodePythonJson } from "../job/json.ts";
import type { EnqueueRequest, FailureReason, RunRequest } from "./runner.ts";

/** The first argument with which a compiled worker starts itself as a subprocess. */
export const CHILD_ARGUMENT = "--deno-rq-child";

/** The longest result in bytes of JSON: 64 MB. */
export const MAX_RESULT_SIZE: number = 64 * 1024 * 1024;

/** Tells whether a compiled program was started as a subprocess; its arguments are `Deno.args`. */
export function isChildInvocation(args: readonly string[]): boolean {
  return args[0] === CHILD_ARGUMENT;
}

/** A line on a subprocess's stdin. */
export type ControlMessage =
  | HelloMessage
  | RunMessage
  | AbortMessage
  | ReplyMessage;

/** Writes a message as a line; NaN and the infinities as Python does, since Python's jobs may have them. */
export function encodeMessage(message: ControlMessage): string {
  return `${encodePythonJson(message)}\n`;
}

/** The first line: the token of the frames, in hexadecimal digits. */
export interface HelloMessage {
  /** Tells it from the others. */
  readonly type: "hello";
  /** The token. */
  readonly token: string;
}

/** The job to run. */
export interface RunMessage {
  /** Tells it from the others. */
  readonly type: "run";
  /** The module to import. */
  readonly url: string;
  /** The export to call. */
  readonly exportName: string;
  /** The job. */
  readonly request: RunRequest;
}

/** The job's time is up. */
export interface AbortMessage {
  /** Tells it from the others. */
  readonly type: "abort";
  /** The message of the signal's reason. */
  readonly message: string;
}

/** The answer to a call. */
export interface ReplyMessage {
  /** Tells it from the others. */
  readonly type: "reply";
  /** The call's number. */
  readonly id: number;
  /** What it resolves to. */
  readonly value?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A running job's request to its worker. */
export type CallMessage =
  & { readonly id: number }
  & (
    | { readonly method: "enqueue"; readonly request: EnqueueRequest }
    | { readonly method: "saveMeta"; readonly meta: Record<string, unknown> }
    | {
      readonly method: "saveProgress";
      readonly value: number;
      readonly note?: string;
    }
  );

/** Why a job failed, as the subprocess tells it. */
export interface FailureMessage {
  /** What kind of failure it was. */
  readonly reason: FailureReason;
  /** One line for the log. */
  readonly message: string;
  /** What is stored. */
  readonly excInfo: string;
}
