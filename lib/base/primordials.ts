/**
 * Built-in functions as they were when this module was loaded, before any code of a job.
 *
 * A job shares its realm with ours and may replace any global and any method of a prototype. That must neither break
 * the code that carries its answer nor show the job anything, least of all the secret token of the frames. So code
 * that runs after a job's module was loaded calls these functions instead of methods.
 *
 * Such code otherwise uses only what cannot be patched: indices of typed arrays, fields of classes, literals, `+` and
 * templates for text. Not `for…of`, spread arguments and array destructuring (they call a patchable iterator), not
 * appending to an array (a setter on `Object.prototype` sees it), not `subarray()` and `slice()` of bytes (they read
 * a patchable `constructor`).
 *
 * @module
 */

const { bind, call } = Function.prototype;

// deno-lint-ignore no-explicit-any -- the methods of all built-in types
type Method = (this: any, ...args: any[]) => any;

/** Turns a method into a function whose first argument is `this`. */
export const uncurryThis = bind.bind(call) as <F extends Method>(
  method: F,
) => (self: ThisParameterType<F>, ...args: Parameters<F>) => ReturnType<F>;

/** The getter of an own accessor property of a prototype. */
function getterOf<T, V>(prototype: object, name: string): (self: T) => V {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name)!;
  return uncurryThis(get!) as (self: T) => V;
}

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);

/** `Uint8Array` */
export const Bytes: typeof Uint8Array = Uint8Array;
/** `bytes.length` */
export const lengthOfBytes: (bytes: Uint8Array) => number = getterOf(
  TypedArray,
  "length",
);
/** `bytes.buffer` */
export const bufferOfBytes: (bytes: Uint8Array) => ArrayBuffer = getterOf(
  TypedArray,
  "buffer",
);
/** `bytes.byteOffset` */
export const offsetOfBytes: (bytes: Uint8Array) => number = getterOf(
  TypedArray,
  "byteOffset",
);
/** `bytes.set(source, at)` */
export const copyBytes: (
  bytes: Uint8Array,
  source: Uint8Array,
  at: number,
) => void = uncurryThis(Uint8Array.prototype.set);
/** `bytes.indexOf(byte, from)` */
export const indexOfByte: (
  bytes: Uint8Array,
  byte: number,
  from: number,
) => number = uncurryThis(Uint8Array.prototype.indexOf);

/** `encoder.encode(text)` */
export const encodeText: (encoder: TextEncoder, text: string) => Uint8Array =
  uncurryThis(TextEncoder.prototype.encode);
/** `decoder.decode(bytes, options)` */
export const decodeText: (
  decoder: TextDecoder,
  bytes: Uint8Array,
  options: TextDecodeOptions,
) => string = uncurryThis(TextDecoder.prototype.decode);

/** `JSON.parse` */
export const parseJson: typeof JSON.parse = JSON.parse;
/** `JSON.stringify` */
export const stringifyJson: (value: unknown) => string = JSON.stringify;

/** `map.get(key)` */
export const mapGet = uncurryThis(Map.prototype.get) as <K, V>(
  map: ReadonlyMap<K, V>,
  key: K,
) => V | undefined;
/** `map.set(key, value)` */
export const mapSet = uncurryThis(Map.prototype.set) as <K, V>(
  map: Map<K, V>,
  key: K,
  value: V,
) => void;
/** `map.delete(key)` */
export const mapDelete = uncurryThis(Map.prototype.delete) as <K>(
  map: Map<K, unknown>,
  key: K,
) => boolean;
/** `map.size` */
export const mapSize: (map: ReadonlyMap<unknown, unknown>) => number = getterOf(
  Map.prototype,
  "size",
);

/** `Array.isArray` */
export const isArray: (value: unknown) => value is readonly unknown[] = Array
  .isArray as (value: unknown) => value is readonly unknown[];
/** `array.join(separator)`, of strings */
export const joinTexts: (
  texts: readonly string[],
  separator: string,
) => string = uncurryThis(Array.prototype.join);
/** `array.sort()` */
export const sortTexts: (texts: string[]) => string[] = uncurryThis(
  Array.prototype.sort,
);

/** `Object.defineProperty` */
export const defineProperty: typeof Object.defineProperty =
  Object.defineProperty;
/** `Object.freeze` */
export const freeze: typeof Object.freeze = Object.freeze;
/** `Object.getPrototypeOf` */
export const prototypeOf: (value: unknown) => unknown = Object.getPrototypeOf;
/** `Object.getOwnPropertyDescriptor` */
export const descriptorOf: typeof Object.getOwnPropertyDescriptor =
  Object.getOwnPropertyDescriptor;
/** `Object.getOwnPropertyNames` */
export const ownNamesOf: typeof Object.getOwnPropertyNames =
  Object.getOwnPropertyNames;
/** `Object.hasOwn` */
export const hasOwn: typeof Object.hasOwn = Object.hasOwn;
/** `Object.keys` */
export const keysOf: (value: object) => string[] = Object.keys;
/** `Object.prototype`, to compare with */
export const ObjectPrototype: object = Object.prototype;
/** `Reflect.apply` */
export const apply: typeof Reflect.apply = Reflect.apply;
/** `func.toString()`: its source */
export const sourceOf: (func: (...args: never[]) => unknown) => string =
  uncurryThis(Function.prototype.toString);

/** `text.indexOf(part, from)` */
export const indexOfText: (
  text: string,
  part: string,
  from?: number,
) => number = uncurryThis(String.prototype.indexOf);
/** `text.lastIndexOf(part)` */
export const lastIndexOfText: (text: string, part: string) => number =
  uncurryThis(String.prototype.lastIndexOf);
/** `text.slice(from, to)` */
export const sliceText: (text: string, from: number, to?: number) => string =
  uncurryThis(String.prototype.slice);
/** `text.charCodeAt(index)` */
export const codeUnitAt: (text: string, index: number) => number = uncurryThis(
  String.prototype.charCodeAt,
);
/** `pattern.exec(text)` */
export const execPattern: (
  pattern: RegExp,
  text: string,
) => RegExpExecArray | null = uncurryThis(RegExp.prototype.exec);
