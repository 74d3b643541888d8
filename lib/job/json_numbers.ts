/**
 * Numbers that Python writes into JSON and `JSON.parse` does not read as they are: integers of any length,
 * `NaN`, `Infinity` and `-Infinity`.
 *
 * @module
 */

// Kept, because this also reads and writes what jobs are given and give, and they may replace globals.
const { MAX_SAFE_INTEGER } = Number;
const { abs } = Math;
const toBigInt = BigInt;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
const { keys } = Object;
const { isArray } = Array;

/** The way to a value inside of another one. */
export type Path = readonly (string | number)[];

/** From here on JavaScript writes an exponent, so that nobody takes the number for an exact integer. */
const EXPONENT_FROM = 1e21;

/** Python reads no longer integers either: the time that it takes grows faster than their length. */
const MAX_DIGITS = 4_300;

const INTEGER = /^-?\d+$/;

/** A text without any of these has no number that could change: so most need no second look. */
const MAY_CHANGE = /\d{16}|\d[eE]\+?\d{3}/;

/** Stands for a number beyond the largest one, until it is known where it is. */
class TooLarge {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** A number in JSON that is too large for a number of JavaScript and is no integer either. */
export class UnheldNumberError extends SyntaxError {
  /** The class's name. */
  override readonly name = "UnheldNumberError";
  /** Where it is. */
  readonly path: Path;
  /** How it is written. */
  readonly source: string;

  /** Made by `decodeJson()`. */
  constructor(path: Path, source: string) {
    super(`Cannot read ${unheld("a number", source)}`);
    this.path = path;
    this.source = source;
  }
}

/** What is wrong with a number, for an error: where it is, and what it is. */
export function unheld(where: string, source: unknown): string {
  const text = String(source);
  const shown = text.length > 50 ? `${text.slice(0, 50)}…` : text;
  return `${where}: ${shown} is more than a number of JavaScript can hold`;
}

/** What helps against it, if it is an integer. */
export const BIG_INTS_HELP =
  "ask for BigInts: bigInts: true of the queue or the worker, --big-ints of the worker program";

/** Tells whether a text may have a number that a number of JavaScript cannot hold. */
export function mayChange(text: string): boolean {
  return MAY_CHANGE.test(text);
}

/** What the reviver of `JSON.parse` is to give: an integer that would change is read as BigInt. */
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
 * Gives a value back if all of its numbers were read.
 *
 * @throws {UnheldNumberError} naming the first that was not
 */
export function refuseTooLarge(value: unknown): unknown {
  const found = find(value, (item) => item instanceof TooLarge);
  if (found !== undefined) {
    throw new UnheldNumberError(found.path, (found.item as TooLarge).source);
  }
  return value;
}

/** Where the first BigInt in a value is, if there is one. */
export function findBigInt(
  value: unknown,
): { readonly path: Path; readonly item: unknown } | undefined {
  return find(value, (item) => typeof item === "bigint");
}

/** Whether JavaScript's own text of a number may say another one: it pads digits of large integers with zeros. */
export function isInexact(value: number): boolean {
  const size = abs(value);
  return size > MAX_SAFE_INTEGER && size < EXPONENT_FROM;
}

/** What `JSON.stringify` writes as the integer that it is. */
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

/** JSON that `JSON.parse` reads, with what stands in it for the literals. */
export interface PlainJson {
  /** The text. */
  readonly json: string;
  /** Gives the number that a source stands for, or `undefined`. */
  readonly literal: (source: string | undefined) => number | undefined;
}

/** Writes numbers for the literals that appear nowhere else, so that they are told by their source. */
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

/** Replaces the three literals outside of strings, in linear time. */
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
