/**
 * The `data` field of a job: RQ's four-tuple `[func_name, instance, args, kwargs]` as JSON
 * (`rq.serializers.JSONSerializer`), zlib-compressed or not.
 *
 * @module
 */

import { deflateSync, inflateSync } from "node:zlib";
import { decodeJson, formatPath } from "./json.ts";
import {
  BIG_INTS_HELP,
  findBigInt,
  mayChange,
  type Path,
  unheld,
  UnheldNumberError,
} from "./json_numbers.ts";

/**
 * The size in bytes from which `data` is compressed. RQ always compresses, and reads
 * either; below this size, compressing costs more time than the memory is worth.
 */
const COMPRESS_FROM = 1_024;

/** The largest size of decompressed `data`, in bytes. */
const MAX_UNFOLDED = 512 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The call in a job's `data`. */
export interface JobCall {
  /** The function reference, RQ's `func_name`. */
  readonly funcName: string;
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Keyword arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** If an argument needs a BigInt, names the first: `args[0].id: 9007199254740993 is …`. */
  readonly bigInt?: string;
}

/** A job's `data` cannot be run by this worker; the message says why, and what to do. */
export class UnreadableDataError extends Error {
  override readonly name = "UnreadableDataError";
}

/** Encodes `data` from texts that are JSON already. */
export function encodeData(
  funcName: string,
  argsJson: string,
  kwargsJson: string,
): string | Uint8Array {
  const text = `[${JSON.stringify(funcName)},null,${argsJson},${kwargsJson}]`;
  if (text.length < COMPRESS_FROM) return text;
  return deflateSync(encoder.encode(text));
}

/**
 * Decodes `data`.
 *
 * @throws {UnreadableDataError} If it is pickled, not JSON, or not a call.
 */
export function decodeData(data: Uint8Array): JobCall {
  const bytes = unfold(data);
  if (bytes[0] === 0x80) {
    throw new UnreadableDataError(
      "Cannot read the job's data: it is pickled, which only Python can read; enqueue with JSON instead: " +
        "Queue(..., serializer=JSONSerializer) with `from rq.serializers import JSONSerializer`",
    );
  }
  let value: unknown;
  let bigInt: string | undefined;
  try {
    const text = decoder.decode(bytes);
    value = decodeJson(text);
    const found = mayChange(text) ? findBigInt(value) : undefined;
    if (found) bigInt = unheld(argumentAt(found.path), found.item);
  } catch (cause) {
    if (cause instanceof UnheldNumberError) {
      throw new UnreadableDataError(
        `Cannot read ${unheld(argumentAt(cause.path), cause.source)}`,
      );
    }
    throw new UnreadableDataError(
      "Cannot read the job's data: it is not JSON (zlib-compressed or plain)",
      { cause },
    );
  }
  if (!Array.isArray(value) || value.length !== 4) {
    throw new UnreadableDataError(
      "Cannot read the job's data: expected [func_name, instance, args, kwargs]",
    );
  }
  const [funcName, instance, args, kwargs] = value;
  if (typeof funcName !== "string" || funcName === "") {
    throw new UnreadableDataError(
      "Cannot read the job's data: the function's name is not text",
    );
  }
  if (instance !== null) {
    throw new UnreadableDataError(
      `Cannot run ${funcName}: it is a method of a stored object, which JSON cannot carry`,
    );
  }
  if (!Array.isArray(args) || !isObject(kwargs)) {
    throw new UnreadableDataError(
      `Cannot read the arguments of ${funcName}: expected a list and an object`,
    );
  }
  const found = { funcName, args, kwargs };
  return bigInt === undefined ? found : { ...found, bigInt };
}

/**
 * Returns the call, unless an argument needs a BigInt and `bigInts` is off.
 *
 * @throws {UnreadableDataError} It names the path and the number.
 */
export function heldCall(call: JobCall, bigInts: boolean): JobCall {
  if (bigInts || call.bigInt === undefined) return call;
  throw new UnreadableDataError(`Cannot read ${call.bigInt}; ${BIG_INTS_HELP}`);
}

/** The name of an argument (`args[0]`) for its place in the data. */
function argumentAt([place, ...path]: Path): string {
  const label = place === 2 ? "args" : place === 3 ? "kwargs" : "data";
  return formatPath(label, path);
}

/** Decompresses `data` if it is compressed. RQ tries zlib and falls back; here the zlib header (RFC 1950) decides. */
export function unfold(data: Uint8Array): Uint8Array {
  const [first = 0, second = 0] = data;
  const isZlib = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
  if (!isZlib) return data;
  try {
    return inflateSync(data, { maxOutputLength: MAX_UNFOLDED });
  } catch (cause) {
    throw new UnreadableDataError(
      "Cannot read the job's data: its zlib stream is broken or too long",
      { cause },
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
