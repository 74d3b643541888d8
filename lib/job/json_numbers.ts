/**
 * Numbers in Python's JSON that `JSON.parse` rejects or rounds: integers of any length, `NaN`, `Infinity` and
 * `-Infinity`.
 *
 * @module
 */

// Captured at load: this also decodes arguments and encodes results of jobs, whose code may replace globals.
const { MAX_SAFE_INTEGER } = Number;
const { abs } = Math;
const toBigInt = BigInt;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
const { keys } = Object;
const { isArray } = Array;

/** The path to a value inside another one. */
export type Path = readonly (string | number)[];

/** From here on JavaScript writes an exponent, so that nobody takes the text for an exact integer. */
const EXPONENT_FROM = 1e21;

/** The longest integer that is read, as in Python: the time to read one grows faster than its length. */
const MAX_DIGITS = 4_300;

const INTEGER = /^-?\d+$/;

/** A text without a match has no number that could change. Most texts need no more than this check. */
const MAY_CHANGE = /\d{16}|\d[eE]\+?\d{3}/;

/** Marks a number that overflows, until its path is known. */
class TooLarge {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** A number in JSON that overflows a JavaScript number and is no integer either. */
export class UnheldNumberError extends SyntaxError {
  /** The class's name. */
  override readonly name = "UnheldNumberError";
  /** The path to it. */
  readonly path: Path;
  /** Its text. */
  readonly source: string;

  /** Created by `decodeJson()`. */
  constructor(path: Path, source: string) {
    super(`Cannot read ${unheld("a number", source)}`);
    this.path = path;
    this.source = source;
  }
}

/** Says in an error what is wrong with a number: where it is, and its text. */
export function unheld(where: string, source: unknown): string {
  const text = String(source);
  const shown = text.length > 50 ? `${text.slice(0, 50)}…` : text;
  return `${where}: ${shown} is more than a JavaScript number can hold`;
}

/** The remedy for an integer. */
export const BIG_INTS_HELP =
  "turn on BigInts: bigInts: true for the queue or the worker, or the worker's flag --big-ints";

/** Whether a text may have a number that JavaScript cannot hold exactly. */
export function mayChange(text: string): boolean {
  return MAY_CHANGE.test(text);
}

/** The reviver for `JSON.parse`: an integer that would change becomes a BigInt. */
export function reviveNumber(
  _key: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  if (abs(value) <= MAX_SAFE_INTEGER) return value;
  if (source.length <= MAX_DIGITS && INTEGER.test(source)) {
    const exact = toBigInt(source);
    return isHeld(value) && exact === toBigInt(value) ? value : exact;
  }
  return isHeld(value) ? value : new TooLarge(source);
}

/**
 * Returns the value if none of its numbers overflows.
 *
 * @throws {UnheldNumberError} It names the first that does.
 */
export function refuseTooLarge(value: unknown): unknown {
  const found = find(value, (item) => item instanceof TooLarge);
  if (found !== undefined) {
    throw new UnheldNumberError(found.path, (found.item as TooLarge).source);
  }
  return value;
}

/** The path of the first BigInt in a value, if there is one. */
export function findBigInt(
  value: unknown,
): { readonly path: Path; readonly item: unknown } | undefined {
  return find(value, (item) => typeof item === "bigint");
}

/** Whether a number's text may differ from the number: JavaScript pads large integers with zeros. */
export function isInexact(value: number): boolean {
  const size = abs(value);
  return size > MAX_SAFE_INTEGER && size < EXPONENT_FROM;
}

/** A value that `JSON.stringify` writes as this exact integer. */
export function exactInteger(value: number | bigint): unknown {
  return rawJSON(`${toBigInt(value)}`);
}

function isHeld(value: number): boolean {
  return value - value === 0;
}

function find(
  value: unknown,
  is: (item: unknown) => boolean,
): { readonly path: (string | number)[]; readonly item: unknown } | undefined {
  if (is(value)) return { path: [], item: value };
  if (typeof value !== "object" || value === null) return undefined;
  for (const key of keys(value)) {
    const found = find((value as Record<string, unknown>)[key], is);
    if (found === undefined) continue;
    found.path.unshift(isArray(value) ? Number(key) : key);
    return found;
  }
  return undefined;
}

/** JSON without Python's literals, and how to recognize the numbers that replace them. */
export interface PlainJson {
  /** The JSON text. */
  readonly json: string;
  /** The number for which a source text stands, or `undefined`. */
  readonly literal: (source: string | undefined) => number | undefined;
}

/** Replaces the literals by numbers that appear nowhere else in the text, so that their source identifies them. */
export function withoutLiterals(text: string): PlainJson {
  let nan = "0e-999";
  while (text.includes(nan)) nan += "9";
  let inf = "1e999";
  while (text.includes(inf)) inf += "9";
  const numbers = new Map([[nan, NaN], [inf, Infinity], [
    `-${inf}`,
    -Infinity,
  ]]);
  return {
    json: replaceLiterals(text, nan, inf),
    literal: (source) => source === undefined ? undefined : numbers.get(source),
  };
}

/** Replaces the three literals outside strings, in linear time. */
function replaceLiterals(text: string, nan: string, inf: string): string {
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
      match[0] === "NaN" ? nan : inf,
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
