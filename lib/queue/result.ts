/**
 * Results and failures, as they are stored and as they are given out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deflateSync, inflateSync } from "node:zlib";
import { errorOfTraceback, headlineOf } from "../job/failure.ts";
import { decodeJsonFor, type JsonOptions } from "../job/json.ts";
import type { JobRecord } from "../job/record.ts";
import { JobFailedError } from "../base/errors.ts";
import type { StoredResult } from "../store/job_store.ts";

/** RQ's `Result.Type.SUCCESSFUL`. */
const SUCCESSFUL = 1;
/** RQ's `FAILED`, `STOPPED` and `MAX_RETRIES_EXCEEDED`. */
const FAILURES: ReadonlySet<number> = new Set([2, 3, 5]);

/** Whether an entry is the result of a function that returned. */
export function isSuccess(result: StoredResult): boolean {
  return result.type === SUCCESSFUL;
}

/** Whether an entry is a failure. */
export function isFailure(result: StoredResult): boolean {
  return FAILURES.has(result.type);
}

/**
 * The value of a successful result; `undefined` where the function returned nothing.
 *
 * @throws {RangeError} if it has a number that JavaScript cannot hold, and BigInts were not asked for
 * @throws {SyntaxError} if another serializer than JSON wrote it
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

/** The failure in the job's hash itself, where RQ before 1.12 and its maintenance wrote it. */
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

/** The error that a failed job gives to those who wait for it. */
export function failedError(jobId: string, excInfo: string): JobFailedError {
  return new JobFailedError(`Job "${jobId}" failed: ${headlineOf(excInfo)}`, {
    jobId,
    excInfo,
    cause: errorOfTraceback(excInfo),
  });
}

/** Text that is no zlib is shown as it is. */
function inflateText(bytes: Uint8Array): string {
  try {
    return inflateSync(bytes).toString();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return Buffer.from(bytes).toString();
  }
}
