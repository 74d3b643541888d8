/**
 * The `data` of a job: JSON of RQ's four-tuple `[func_name, instance, args, kwargs]`,
 * what `rq.serializers.JSONSerializer` writes, zlib-compressed or not.
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
 * From how many bytes on `data` is compressed. RQ always compresses, and reads
 * either; below this it costs more time than it saves memory.
 */
const COMPRESS_FROM = 1_024;

/** The most bytes that compressed `data` may unfold to. */
const MAX_UNFOLDED = 512 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A call: what a job's `data` says. */
export interface Call {
  /** The function reference, RQ's `func_name`. */
  readonly funcName: string;
  /** Positional arguments. */
  readonly args: readonly unknown[];
  /** Keyword arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The first argument that only a BigInt can hold, as `args[0].id: 9007199254740993 is …`; absent if there is none. */
  readonly bigInt?: string;
}

/** A job's `data` that no worker here can run; the message says why and what helps. */
export class UnreadableDataError extends Error {
  override readonly name = "UnreadableDataError";
}

/** Writes `data` from JSON texts that the caller has made. */
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
 * Reads `data`.
 *
 * @throws {UnreadableDataError} if it is pickled, not JSON, or no call
 */
export function decodeData(data: Uint8Array): Call {
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
      "Cannot read the job's data: the function's name is no text",
    );
  }
  if (instance !== null) {
    throw new UnreadableDataError(
      `Cannot run ${funcName}: it is a method of a stored object, which JSON cannot bring across`,
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
 * Gives a call back if its arguments are numbers that JavaScript can hold, or BigInts were asked for.
 *
 * @throws {UnreadableDataError} naming the path and the number
 */
export function heldCall(call: Call, bigInts: boolean): Call {
  if (bigInts || call.bigInt === undefined) return call;
  throw new UnreadableDataError(`Cannot read ${call.bigInt}; ${BIG_INTS_HELP}`);
}

/** Arguments by the names that a caller knows, instead of their place in the data. */
function argumentAt([place, ...path]: Path): string {
  const label = place === 2 ? "args" : place === 3 ? "kwargs" : "data";
  return formatPath(label, path);
}

/** The bytes that `data` stands for. RQ tries zlib and takes the bytes as they are if that fails; the header (RFC 1950) tells without trying. */
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
