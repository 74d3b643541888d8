/**
 * Equality of structure, for the stand-in of `jsr:@std/assert`: `0` equals `-0`,
 * `NaN` equals itself, and an object without a prototype equals a plain one.
 *
 * @module
 */

type Fields = Record<PropertyKey, unknown>;

/** Their values show no field: all that they are is their text. */
const TEXTUAL: ReadonlySet<unknown> = new Set(
  [
    RegExp,
    URL,
    URLSearchParams,
    Intl.Locale,
    ...Object.getOwnPropertyNames(globalThis.Temporal ?? {})
      .map((name) => Reflect.get(Temporal, name))
      .filter((value) => typeof value === "function"),
  ].map(({ prototype }) => prototype),
);

/** Whether two values have the same structure. */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().equal(a, b);
}

/** Whether a value is no object and no function. */
export function isPrimitive(value: unknown): boolean {
  return value === null ||
    (typeof value !== "object" && typeof value !== "function");
}

/** What of a value is named by a pattern too, at every depth, as plain objects. */
export function subsetOf(value: unknown, pattern: unknown): unknown {
  return subset(value, pattern, new Map());
}

class Comparison {
  /** Pairs under comparison: a cycle is equal as long as nothing else differs. */
  readonly #seen = new Map<unknown, unknown>();

  equal(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b) || !samePrototype(a, b)) return false;
    if (this.#seen.get(a) === b) return true;
    this.#seen.set(a, b);
    if (a instanceof Date) return Object.is(+a, +(b as Date));
    if (TEXTUAL.has(Object.getPrototypeOf(a))) return `${a}` === `${b}`;
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
    }
    if (ArrayBuffer.isView(a) || isBuffer(a)) return equalBytes(a, b);
    if (a instanceof Map) return this.#equalMaps(a, b as typeof a);
    if (a instanceof Set) return this.#equalSets(a, b as typeof a);
    return this.#equalFields(a, b);
  }

  #equalFields(a: object, b: object): boolean {
    const keys = Reflect.ownKeys(a);
    return keys.length === Reflect.ownKeys(b).length &&
      keys.every((key) =>
        Object.hasOwn(b, key) &&
        this.equal(Reflect.get(a, key), Reflect.get(b, key))
      );
  }

  #equalMaps(
    a: ReadonlyMap<unknown, unknown>,
    b: ReadonlyMap<unknown, unknown>,
  ): boolean {
    return a.size === b.size &&
      [...a].every(([key, value]) =>
        isPrimitive(key)
          ? b.has(key) && this.equal(value, b.get(key))
          : [...b].some((entry) => this.equal([key, value], entry))
      );
  }

  #equalSets(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
    return a.size === b.size &&
      [...a].every((item) =>
        b.has(item) ||
        (!isPrimitive(item) && [...b].some((other) => this.equal(item, other)))
      );
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function samePrototype(a: object, b: object): boolean {
  return (Object.getPrototypeOf(a) ?? Object.prototype) ===
    (Object.getPrototypeOf(b) ?? Object.prototype);
}

function isBuffer(value: object): value is ArrayBuffer | SharedArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function equalBytes(a: ArrayBufferView | ArrayBufferLike, b: object): boolean {
  const [left, right] = [itemsOf(a), itemsOf(b as typeof a)];
  return left.length === right.length &&
    left.every((item, i) => item === right[i] || Object.is(item, right[i]));
}

function itemsOf(data: ArrayBufferView | ArrayBufferLike): unknown[] {
  if (Symbol.iterator in data) return [...data as Iterable<unknown>];
  return data instanceof DataView
    ? [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]
    : [...new Uint8Array(data as ArrayBuffer)];
}

function subset(
  value: unknown,
  pattern: unknown,
  seen: Map<unknown, unknown>,
): unknown {
  if (!isContainer(value) || !isContainer(pattern)) return value;
  if (Array.isArray(value) !== Array.isArray(pattern)) return value;
  if (seen.has(value)) return seen.get(value);
  if (value instanceof Map && pattern instanceof Map) {
    return new Map(
      [...value].filter(([key]) => pattern.has(key)).map(([key, item]) => [
        key,
        subset(item, pattern.get(key), seen),
      ]),
    );
  }
  if (value instanceof Set && pattern instanceof Set) {
    return value.intersection(pattern);
  }
  const result: Fields | unknown[] = Array.isArray(value) ? [] : {};
  seen.set(value, result);
  for (const key of Reflect.ownKeys(pattern)) {
    if (key === "length" || !(key in value)) continue;
    (result as Fields)[key] = subset(
      (value as Fields)[key],
      (pattern as Fields)[key],
      seen,
    );
  }
  return result;
}

/** Whether a value is compared by its parts; dates, patterns and the like are compared whole. */
function isContainer(value: unknown): value is object {
  return isObject(value) &&
    !(value instanceof Date || value instanceof RegExp ||
      ArrayBuffer.isView(value) || isBuffer(value));
}
