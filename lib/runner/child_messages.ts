/**
 * Validates a subprocess's messages, which are hostile input: a job that got hold of the token of its frames can send
 * anything. The worst consequence is that its process is killed and the job fails.
 *
 * @module
 */

import { MAX_SECONDS } from "../base/duration.ts";
import { decodeJson } from "../job/json.ts";
import type { MetaPatch } from "../job/meta.ts";
import { MOST_PART, PARTS_AT_ONCE, SIZE_AT_ONCE } from "../job/parts.ts";
import { checkRetryWish } from "../job/retry_wish.ts";
import {
  type CallMessage,
  type CallRequest,
  type FailureMessage,
  MAX_CALL_BYTES,
  MAX_LOG_TEXT,
  MAX_RESULT_SIZE,
} from "./protocol.ts";
import type { EnqueueRequest, Outcome, StepCall } from "./runner.ts";

/** The largest failure in bytes of JSON; its texts are truncated well below that. */
const MAX_FAILURE_SIZE = 8 * 1024 * 1024;
/** The longest line of text, in bytes. */
const MAX_LINE_SIZE = 16 * 1024;
/** The longest name of an error, in code units. */
const MAX_NAME = 1_024;

/** A validated call. */
export interface HostCall {
  readonly call: CallMessage;
  /** The size of its JSON in bytes. */
  readonly size: number;
}

/** A subprocess has sent an invalid message. */
class MessageError extends Error {
  override readonly name = "MessageError";
}

/** Refuses a message; `state` says what is wrong with it. */
export function refuseMessage(kind: string, state: string): never {
  throw new MessageError(`Cannot read the subprocess's ${kind}: ${state}`);
}

/**
 * Reads an answer.
 *
 * @throws {MessageError} If it is invalid.
 */
export function readAnswer(
  kind: "success" | "failure" | "asleep",
  payload: Uint8Array,
): Outcome {
  if (kind === "asleep") return { type: "asleep" };
  if (kind === "failure") {
    return { type: "failure", ...readFailure(payload) };
  }
  if (payload.length === 0) return { type: "success" };
  const result = textOf(kind, payload, MAX_RESULT_SIZE);
  jsonOf(kind, result);
  return { type: "success", result };
}

/**
 * Reads a job's call.
 *
 * @throws {MessageError} If it is invalid.
 */
export function readCall(payload: Uint8Array): HostCall {
  const call = recordOf("call", payload, MAX_CALL_BYTES);
  const size = payload.length;
  const { id } = call;
  if (!Number.isSafeInteger(id)) refuseMessage("call", "its id is no number");
  return { size, call: { id: id as number, ...requestOf(call) } };
}

/**
 * Reads one line of text.
 *
 * @throws {MessageError} If it is invalid.
 */
export function readLine(kind: string, payload: Uint8Array): string {
  return textOf(kind, payload, MAX_LINE_SIZE);
}

function readFailure(payload: Uint8Array): FailureMessage {
  const failure = recordOf("failure", payload, MAX_FAILURE_SIZE);
  const { reason, message, excInfo } = failure;
  if (
    reason !== "error" && reason !== "missing" && reason !== "load" &&
    reason !== "result"
  ) {
    refuseMessage("failure", "its reason is unknown");
  }
  if (typeof message !== "string" || typeof excInfo !== "string") {
    refuseMessage("failure", "it is not made of text");
  }
  const { errorNames } = failure;
  const retry = checkRetryWish(failure["retry"]);
  return {
    reason,
    message,
    excInfo,
    ...(typeof errorNames === "string" ? { errorNames } : {}),
    ...(retry === undefined ? {} : { retry }),
  };
}

function requestOf(call: Record<string, unknown>): CallRequest {
  switch (call["method"]) {
    case "enqueue":
      return { method: "enqueue", request: enqueueOf(call["request"]) };
    case "parents":
      return { method: "parents" };
    case "saveMeta":
      return { method: "saveMeta", patch: patchOf(call["patch"]) };
    case "saveProgress": {
      const { value, note } = call;
      if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
        refuseMessage("call", "the progress is not from 0 to 1");
      }
      if (note === undefined) return { method: "saveProgress", value };
      if (typeof note !== "string") {
        refuseMessage("call", "the note is no text");
      }
      return { method: "saveProgress", value, note };
    }
    case "emit":
      return { method: "emit", parts: partsOf(call["parts"]) };
    case "step":
    case "keepStep":
    case "sleep":
    case "waitFor":
      return stepCallOf(call["method"], call);
    case "log": {
      const { text } = call;
      if (typeof text !== "string") refuseMessage("call", "the log is no text");
      if (text.length > MAX_LOG_TEXT) {
        refuseMessage("call", `the log has ${text.length} characters`);
      }
      return { method: "log", text };
    }
    default:
      return refuseMessage("call", "its method is unknown");
  }
}

function partsOf(parts: unknown): string[] {
  const isList = Array.isArray(parts) && parts.length <= PARTS_AT_ONCE &&
    parts.every((part) => typeof part === "string");
  if (!isList) refuseMessage("call", "the parts are no list of texts");
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  if (size > SIZE_AT_ONCE + MOST_PART) {
    refuseMessage("call", `the parts have ${size} characters`);
  }
  for (const part of parts) jsonOf("part", part, decodeJson);
  return parts;
}

function stepCallOf(
  method: StepCall["method"],
  { name, value, seconds }: Record<string, unknown>,
): StepCall {
  if (!isName(name)) refuseMessage("call", "the step's name is no text");
  if (method === "step") return { method, name };
  if (method === "keepStep") {
    if (typeof value !== "string") {
      refuseMessage("call", "the value is no text");
    }
    if (value !== "") jsonOf("step's value", value, decodeJson);
    return { method, name, value };
  }
  if (seconds === undefined) return { method, name };
  if (
    typeof seconds !== "number" || !(seconds >= 0 && seconds <= MAX_SECONDS)
  ) {
    refuseMessage("call", "the seconds to wait are no such number");
  }
  return { method, name, seconds };
}

function enqueueOf(request: unknown): EnqueueRequest {
  if (!isRecord(request)) refuseMessage("call", "the request is no object");
  const { func, queue, options } = request;
  if (!isName(func)) refuseMessage("call", "func is no text");
  if (!isRecord(options)) refuseMessage("call", "the options are no object");
  if (queue === undefined) return { func, options };
  if (!isName(queue)) refuseMessage("call", "the queue is no text");
  return { func, queue, options };
}

function patchOf(patch: unknown): MetaPatch {
  if (!isRecord(patch)) refuseMessage("call", "the patch is no object");
  const { set, removed } = patch;
  if (!isRecord(set)) refuseMessage("call", "meta is no object");
  if (
    !Array.isArray(removed) || !removed.every((key) => typeof key === "string")
  ) {
    refuseMessage("call", "the keys to remove are no texts");
  }
  return { set, removed };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordOf(
  kind: string,
  payload: Uint8Array,
  most: number,
): Record<string, unknown> {
  // A call may contain integers that only a BigInt can hold.
  const parse = kind === "call" ? decodeJson : JSON.parse;
  const value = jsonOf(kind, textOf(kind, payload, most), parse);
  return isRecord(value) ? value : refuseMessage(kind, "it is no object");
}

function jsonOf(
  kind: string,
  text: string,
  parse: (text: string) => unknown = JSON.parse,
): unknown {
  try {
    return parse(text);
  } catch {
    return refuseMessage(kind, "it is not JSON");
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(kind: string, payload: Uint8Array, most: number): string {
  if (payload.length > most) {
    refuseMessage(kind, `it has ${payload.length} bytes, more than ${most}`);
  }
  try {
    return decoder.decode(payload);
  } catch {
    return refuseMessage(kind, "it is not UTF-8");
  }
}
