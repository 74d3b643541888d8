/**
 * Encodes and decodes results and failures, the entries of RQ's stream of results.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deflateSync, inflateSync } from "node:zlib";
import { decodeJsonFor, type JsonOptions } from "./json.ts";
import type { JobRecord } from "./record.ts";

/** A result or failure as stored: one entry of RQ's results stream. */
export interface StoredResult {
  /** The entry's id in the stream. */
  readonly entryId: string;
  /** RQ's `Result.Type`: 1 successful, 2 failed, 3 stopped, 4 retried, 5 out of retries. */
  readonly type: number;
  /** Base64 of the serialized value; absent for Python's `None`. */
  readonly returnValue: string | undefined;
  /** Base64 of the zlib-compressed failure text. */
  readonly excString: string | undefined;
}

/** RQ's `Result.Type.SUCCESSFUL`. */
const SUCCESSFUL = 1;
/** RQ's `FAILED`, `STOPPED` and `MAX_RETRIES_EXCEEDED`. */
const FAILURES: ReadonlySet<number> = new Set([2, 3, 5]);
/** RQ's `RETRIED`. */
const RETRIED = 4;

/** Whether an entry is the result of a function that returned. */
export function isSuccess(result: StoredResult): boolean {
  return result.type === SUCCESSFUL;
}

/** Whether an entry is a failure. */
export function isFailure(result: StoredResult): boolean {
  return FAILURES.has(result.type);
}

/** Whether an entry is a failed attempt that will be repeated: the job goes on. */
export function isRetry(result: StoredResult): boolean {
  return result.type === RETRIED;
}

/**
 * The value of a successful result; `undefined` if the function returned nothing.
 *
 * @throws {RangeError} If it has a number that JavaScript cannot hold, and `bigInts` is off.
 * @throws {SyntaxError} If another serializer than JSON wrote it.
 */
export function decodeResult(
  result: StoredResult,
  options: JsonOptions = {},
): unknown {
  if (result.returnValue === undefined) return undefined;
  const text = Buffer.from(result.returnValue, "base64").toString();
  return decodeJsonFor(text, "result", options);
}

/** The text of a failure. */
export function decodeFailure(result: StoredResult): string {
  return result.excString === undefined
    ? ""
    : inflateText(Buffer.from(result.excString, "base64"));
}

/** The failure in the job's hash, where RQ before 1.12 and RQ's maintenance store it; else `null`. */
export function failureOf(record: JobRecord): string | null {
  const bytes = record.fields.get("exc_info");
  return bytes === undefined || bytes.length === 0
    ? null
    : inflateText(bytes) || null;
}

/** A failure's text as RQ's `exc_string`: base64 of zlib of UTF-8. */
export function encodeFailure(text: string): string {
  return deflateSync(Buffer.from(text)).toString("base64");
}

/** A result's JSON text as RQ's `return_value`: base64 of what the serializer wrote. */
export function encodeResult(json: string): string {
  return Buffer.from(json).toString("base64");
}

/** Decompresses text; what is not zlib is returned as it is. */
function inflateText(bytes: Uint8Array): string {
  try {
    return inflateSync(bytes).toString();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return Buffer.from(bytes).toString();
  }
}
