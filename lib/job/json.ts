/**
 * JSON as it is stored: writing refuses what JSON would silently lose,
 * reading accepts what Python writes.
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

// This also writes the results of jobs, which may replace all that hangs on a global.
const { stringify } = JSON;
const LITERAL = /NaN|Infinity/;

type Path = readonly (string | number)[];

/** Deeper than this, a value is looked at for cycles, by the careful way. */
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

/**
 * Writes a value as JSON text.
 *
 * `toJSON()` is honoured, a property that is `undefined` is left out, an
 * `undefined` element becomes `null`, and an instance of a class is stored as
 * its own enumerable properties. What JSON cannot hold is refused rather than
 * lost: BigInt, functions, symbols, NaN and the infinities, cycles, `Map`,
 * `Set`, bytes, promises and the like.
 *
 * @param value what to write
 * @param label what the value is called in an error, such as `"args"`
 * @throws {TypeError} with the path of what cannot be stored, as in
 * `Cannot store args[0].when: BigInt is not JSON`
 */
export function encodeJson(value: unknown, label: string): string {
  // Nearly every value is plain: that is found out without building anything.
  if (isPlain(value, 0)) return stringify(value);
  const copy = toPlain(value, label, [], []);
  if (copy === undefined) {
    throw refuse(label, [], "undefined is not JSON");
  }
  return stringify(copy);
}

/**
 * Reads JSON text, `NaN`, `Infinity` and `-Infinity` included, which Python's
 * `json.dumps` writes for those numbers.
 *
 * @throws {SyntaxError} if the text is no JSON
 */
export function decodeJson(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (execPattern(LITERAL, text) === null) throw error;
    return decodePythonJson(text, error);
  }
}

/**
 * Writes what {@linkcode decodeJson} read, such that it reads the same again:
 * with `NaN`, `Infinity` and `-Infinity` as Python writes them.
 */
export function encodePythonJson(value: unknown): string {
  if (isPlain(value, 0)) return stringify(value);
  const marker = crypto.randomUUID();
  const text = stringify(
    value,
    (_key, item) =>
      typeof item === "number" && !Number.isFinite(item)
        ? `${marker}${item}`
        : item,
  );
  return text.replaceAll(
    new RegExp(`"${marker}(NaN|-?Infinity)"`, "g"),
    (_all, literal) => literal,
  );
}

/** Tells whether `JSON.stringify` stores all of a value as it is. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return value - value === 0; // finite
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
    return false; // a getter threw: the careful way says which
  }
}

/** Copies a value to plain arrays and records; each getter and `toJSON` is called once. */
function toPlain(
  value: unknown,
  label: string,
  path: Path,
  ancestors: readonly object[],
): unknown {
  if (typeof value === "bigint" || isObject(value)) {
    value = callToJson(value, label, path);
  }
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw refuse(label, path, `${value} is not JSON`);
    case "bigint":
      throw refuse(label, path, "BigInt is not JSON");
    case "function":
      throw refuse(label, path, "a function is not JSON");
    case "symbol":
      throw refuse(label, path, "a symbol is not JSON");
  }
  return value === null
    ? null
    : objectToPlain(value as object, label, path, ancestors);
}

function objectToPlain(
  value: object,
  label: string,
  path: Path,
  ancestors: readonly object[],
): unknown {
  const boxed = unbox(value);
  if (boxed !== value) return toPlain(boxed, label, path, ancestors);
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
      (item, i) => toPlain(item, label, [...path, i], inner) ?? null,
    );
  }
  // Without a prototype, so that a key "__proto__" is a key like any other.
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    const keyPath = [...path, key];
    const property = read(value, key, label, keyPath);
    copy[key] = toPlain(property, label, keyPath, inner);
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

/** `new Number(1)` and its like are stored as what they hold, as `JSON.stringify` does. */
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

function formatPath(label: string, path: Path): string {
  let text = label;
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (IDENTIFIER.test(step)) text += `.${step}`;
    else text += `[${stringify(step)}]`;
  }
  return text;
}

/**
 * `1e999` is JSON and reads as Infinity. For NaN there is no such number, so it
 * is written as a zero whose digits appear nowhere else, and told by its source.
 */
function decodePythonJson(text: string, original: unknown): unknown {
  let nan = "0e-999";
  while (text.includes(nan)) nan += "9";
  const reviver = (
    _key: string,
    value: unknown,
    context?: { source?: string },
  ): unknown => context?.source === nan ? NaN : value;
  try {
    const json = replaceLiterals(text, nan);
    return parse(json, json.includes(nan) ? reviver : undefined);
  } catch {
    throw original; // it speaks of the text as it was
  }
}

/** Replaces the three literals outside of strings, in linear time. */
function replaceLiterals(text: string, nan: string): string {
  const token = /"|NaN|Infinity/g;
  const parts: string[] = [];
  let from = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '"') {
      token.lastIndex = endOfString(text, match.index + 1);
      continue;
    }
    parts.push(
      text.slice(from, match.index),
      match[0] === "NaN" ? nan : "1e999",
    );
    from = token.lastIndex;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

function endOfString(text: string, from: number): number {
  for (let at = from;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\" && quote - slashes > from) {
      slashes++;
    }
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
