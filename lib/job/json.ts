/**
 * JSON as it is stored: encoding refuses what JSON would silently lose,
 * decoding accepts what Python writes.
 *
 * @module
 */

import {
  execPattern,
  isArray,
  ObjectPrototype,
  parseJson as parse,
  prototypeOf,
} from "../base/primordials.ts";
import {
  BIG_INTS_HELP,
  exactInteger,
  findBigInt,
  isInexact,
  mayChange,
  type Path,
  refuseTooLarge,
  reviveNumber,
  unheld,
  UnheldNumberError,
  withoutLiterals,
} from "./json_numbers.ts";

// Captured at load: this also encodes the results of jobs, whose code may replace globals.
const { stringify } = JSON;
const LITERAL = /NaN|Infinity/;

/** Deeper values take the slow path, which checks for cycles. */
const PLAIN_DEPTH = 64;

const IDENTIFIER = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

/** Built-in objects that `JSON.stringify` turns into `{}` or worse, and what to store instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["Map", "store Object.fromEntries(map) or [...map]"],
  ["Set", "store [...set]"],
  ["RegExp", "store its source"],
  ["Error", "store its message"],
  ["Promise", "await it first"],
  ["ArrayBuffer", "encode it as base64"],
  ["SharedArrayBuffer", "encode it as base64"],
  ["DataView", "encode it as base64"],
  ["Blob", "encode its bytes as base64"],
  ["File", "encode its bytes as base64"],
  ["Headers", "store [...headers]"],
  ["FormData", "store [...formData]"],
  ["URLSearchParams", "store its text"],
  ["DOMException", "store its message"],
  ...[
    "WeakMap",
    "WeakSet",
    "WeakRef",
    "Generator",
    "AsyncGenerator",
    "Request",
    "Response",
    "ReadableStream",
    "WritableStream",
    "AbortSignal",
  ].map((tag) => [tag, ""] as const),
]);

/** Options of encoding and decoding. */
export interface JsonOptions {
  /**
   * Whether BigInts are allowed; they are stored as integers.
   *
   * @default false
   */
  readonly bigInts?: boolean;
}

/**
 * Encodes a value as JSON text.
 *
 * `toJSON()` is called, a property that is `undefined` is left out, an
 * `undefined` element becomes `null`, and an instance of a class is stored as
 * its own enumerable properties. What JSON cannot represent is refused rather than
 * lost: BigInt (unless allowed), functions, symbols, NaN and the infinities, cycles, `Map`,
 * `Set`, bytes, promises and the like.
 *
 * @param value The value to encode.
 * @param label What the value is called in an error, such as `"args"`.
 * @throws {TypeError} It names the path of what cannot be stored, as in
 * `Cannot store args[0].when: BigInt is not JSON`.
 */
export function encodeJson(
  value: unknown,
  label: string,
  options: JsonOptions = {},
): string {
  // Nearly every value is plain, which is found out without copying it.
  if (isPlain(value, 0)) return stringify(value);
  const root = { label, bigInts: options.bigInts ?? false };
  const copy = toPlain(value, root, [], []);
  if (copy === undefined) {
    throw refuse(label, [], "undefined is not JSON");
  }
  return stringify(copy);
}

/**
 * Decodes JSON text, including `NaN`, `Infinity` and `-Infinity`, which Python's
 * `json.dumps` writes. An integer beyond the safe integers becomes a BigInt.
 *
 * @throws {SyntaxError} If the text is not JSON, or has a number that overflows (`1e400`).
 */
export function decodeJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new SyntaxError("The JSON is nested too deeply", { cause: error });
    }
    if (execPattern(LITERAL, text) === null) throw error;
    return decodePythonJson(text, error);
  }
}

function decodePythonJson(text: string, original: unknown): unknown {
  const { json, literal } = withoutLiterals(text);
  try {
    return refuseTooLarge(parse(
      json,
      (key, value, context?: { source?: string }) =>
        literal(context?.source) ?? reviveNumber(key, value, context),
    ));
  } catch (error) {
    if (error instanceof UnheldNumberError) throw error;
    throw original; // its position refers to the original text
  }
}

/**
 * Decodes JSON text for a caller that allows BigInts or not.
 *
 * @param label What the value is called in an error, such as `"result"`.
 * @throws {RangeError} If it has a number that cannot be represented; it names the path and the number.
 * @throws {SyntaxError} If the text is not JSON.
 */
export function decodeJsonFor(
  text: string,
  label: string,
  { bigInts }: JsonOptions,
): unknown {
  let value: unknown;
  try {
    value = decodeJson(text);
  } catch (error) {
    if (!(error instanceof UnheldNumberError)) throw error;
    const where = formatPath(label, error.path);
    throw new RangeError(`Cannot read ${unheld(where, error.source)}`);
  }
  const found = bigInts || !mayChange(text) ? undefined : findBigInt(value);
  if (found === undefined) return value;
  const where = formatPath(label, found.path);
  throw new RangeError(
    `Cannot read ${unheld(where, found.item)}; ${BIG_INTS_HELP}`,
  );
}

/** Uses a reviver only if a number may need it: with one, parsing takes several times as long. */
function parseExactly(text: string): unknown {
  return mayChange(text)
    ? refuseTooLarge(parse(text, reviveNumber))
    : parse(text);
}

/**
 * Encodes a value of {@linkcode decodeJson} so that decoding gives the same value again:
 * `NaN`, `Infinity` and `-Infinity` as Python writes them, and BigInts as integers.
 */
export function encodePythonJson(value: unknown): string {
  if (isPlain(value, 0)) return stringify(value);
  const marker = crypto.randomUUID();
  const text = stringify(
    value,
    (_key, item) => {
      if (typeof item === "bigint") return exactInteger(item);
      if (typeof item !== "number") return item;
      if (!Number.isFinite(item)) return `${marker}${item}`;
      return isInexact(item) ? exactInteger(item) : item;
    },
  );
  return text.replaceAll(
    new RegExp(`"${marker}(NaN|-?Infinity)"`, "g"),
    (_all, literal) => literal,
  );
}

/** Whether `JSON.stringify` stores the whole value without loss. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return value - value === 0 && !isInexact(value); // finite
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > PLAIN_DEPTH) return false;
  if (isArray(value)) return isPlainArray(value, depth + 1);
  const proto = prototypeOf(value);
  if (proto !== ObjectPrototype && proto !== null) return false;
  return isPlainRecord(value as Record<string, unknown>, depth + 1);
}

function isPlainArray(array: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    if (array[i] !== undefined && !isPlain(array[i], depth)) return false;
  }
  return !("toJSON" in array);
}

function isPlainRecord(
  record: Record<string, unknown>,
  depth: number,
): boolean {
  try {
    if (record["toJSON"] !== undefined) return false;
    for (const key in record) {
      const value = record[key];
      if (value !== undefined && !isPlain(value, depth)) return false;
    }
    return true;
  } catch {
    return false; // a getter threw: the slow path names it
  }
}

/** What is constant while one value is copied. */
interface Root {
  readonly label: string;
  readonly bigInts: boolean;
}

/** The slow path: copies a value to plain arrays and records. Each getter and `toJSON` is called once. */
function toPlain(
  value: unknown,
  root: Root,
  path: Path,
  ancestors: readonly object[],
): unknown {
  const { label } = root;
  if (typeof value === "bigint" || isObject(value)) {
    value = callToJson(value, label, path);
  }
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (isInexact(value)) return exactInteger(value);
      if (Number.isFinite(value)) return value;
      throw refuse(label, path, `${value} is not JSON`);
    case "bigint":
      if (root.bigInts) return exactInteger(value);
      throw refuse(
        label,
        path,
        "BigInt is not JSON, store its text or turn on BigInts (bigInts)",
      );
    case "function":
      throw refuse(label, path, "a function is not JSON");
    case "symbol":
      throw refuse(label, path, "a symbol is not JSON");
  }
  return value === null
    ? null
    : objectToPlain(value as object, root, path, ancestors);
}

function objectToPlain(
  value: object,
  root: Root,
  path: Path,
  ancestors: readonly object[],
): unknown {
  const { label } = root;
  const boxed = unbox(value);
  if (boxed !== value) return toPlain(boxed, root, path, ancestors);
  refuseBuiltIn(value, label, path);
  const back = ancestors.indexOf(value);
  if (back >= 0) {
    const target = formatPath(label, path.slice(0, back));
    throw refuse(label, path, `it points back to ${target}`);
  }
  if (ancestors.length > 1_000) {
    throw refuse(label, path, "it is nested too deeply");
  }
  const inner = [...ancestors, value];
  if (Array.isArray(value)) {
    return Array.from(
      value,
      (item, i) => toPlain(item, root, [...path, i], inner) ?? null,
    );
  }
  // Without a prototype, so that "__proto__" is an ordinary key.
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    const keyPath = [...path, key];
    const property = read(value, key, label, keyPath);
    copy[key] = toPlain(property, root, keyPath, inner);
  }
  return copy;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function callToJson(
  value: object | bigint,
  label: string,
  path: Path,
): unknown {
  const toJson = read(Object(value), "toJSON", label, path);
  if (typeof toJson !== "function") return value;
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw refuse(label, path, "the Date is invalid");
  }
  try {
    return toJson.call(value, String(path.at(-1) ?? ""));
  } catch (cause) {
    throw refuse(label, path, "its toJSON() threw", cause);
  }
}

function read(value: object, key: string, label: string, path: Path): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (cause) {
    throw refuse(label, path, "its getter threw", cause);
  }
}

/** Unwraps `new Number(1)` and the like, as `JSON.stringify` does. */
function unbox(value: object): unknown {
  if (
    value instanceof Number || value instanceof String ||
    value instanceof Boolean
  ) return value.valueOf();
  return value;
}

function refuseBuiltIn(value: object, label: string, path: Path): void {
  if (ArrayBuffer.isView(value)) {
    const name = value.constructor?.name ?? "A typed array";
    throw refuse(label, path, `${name} is not JSON, encode it as base64`);
  }
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const hint = REFUSED.get(tag);
  if (hint === undefined) return;
  const advice = hint === "" ? "" : `, ${hint}`;
  throw refuse(label, path, `${tag} is not JSON${advice}`);
}

function refuse(
  label: string,
  path: Path,
  state: string,
  cause?: unknown,
): TypeError {
  return new TypeError(
    `Cannot store ${formatPath(label, path)}: ${state}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Formats a path in JavaScript's notation, after the label of the whole value. */
export function formatPath(label: string, path: Path): string {
  let text = label;
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (IDENTIFIER.test(step)) text += `.${step}`;
    else text += `[${stringify(step)}]`;
  }
  return text;
}
