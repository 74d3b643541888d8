/**
 * Stands in for `jsr:@std/cli/parse-args` where only the npm registry can be
 * reached: the same reading of a command line, with plainer types.
 *
 * @module
 */

/** What {@linkcode parseArgs} returns: flags by name, and what is no flag under `_`. */
export interface Args extends Record<string, unknown> {
  _: (string | number)[];
  "--"?: string[];
}

/** Options of {@linkcode parseArgs}. */
export interface ParseOptions {
  /** Put what follows `--` under that name instead of `_`. @default false */
  "--"?: boolean;
  /** Other names of flags. @default {} */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags without a value; `true` for all double-dashed ones. @default false */
  boolean?: boolean | string | readonly string[];
  /** Values of flags that were not given. @default {} */
  default?: Readonly<Record<string, unknown>>;
  /** Read no flag after the first argument that is none. @default false */
  stopEarly?: boolean;
  /** Flags whose value stays a text. @default [] */
  string?: string | readonly string[];
  /** Flags that may be given several times. @default [] */
  collect?: string | readonly string[];
  /** Flags that `--no-NAME` sets to `false`. @default [] */
  negatable?: string | readonly string[];
  /** Called with what is no known flag; `false` drops it. @default keeps all */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Reads a command line. */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions = {},
): Args {
  return new Parser(options).parse(args);
}

type Names = string | readonly string[] | boolean | undefined;
type Value = string | number | boolean;

const FLAG =
  /^(?:(?<long>--)(?<negated>no-)?|-)(?<key>.+?)(?:=(?<value>.*))?$/s;
const NUMBER_AT_END = /-?\d+(\.\d*)?(e-?\d+)?$/;

class Parser {
  readonly #options: ParseOptions;
  readonly #aliases: ReadonlyMap<string, readonly string[]>;
  readonly #booleans: ReadonlySet<string>;
  readonly #strings: ReadonlySet<string>;
  readonly #collected: ReadonlySet<string>;
  readonly #negatable: ReadonlySet<string>;
  readonly #result: Args = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#aliases = aliasesOf(options.alias ?? {});
    this.#booleans = this.#withAliases(options.boolean);
    this.#strings = this.#withAliases(options.string);
    this.#collected = this.#withAliases(options.collect);
    this.#negatable = this.#withAliases(options.negatable);
  }

  parse(all: readonly string[]): Args {
    const end = all.indexOf("--");
    const args = end < 0 ? all : all.slice(0, end);
    for (let i = 0; i < args.length;) i += this.#read(args, i);
    this.#fillIn();
    const rest = end < 0 ? [] : all.slice(end + 1);
    if (this.#options["--"]) this.#result["--"] = rest;
    else this.#result._.push(...rest);
    return this.#result;
  }

  /** Reads the argument at an index, and returns how many it used. */
  #read(args: readonly string[], index: number): number {
    const arg = args[index] ?? "";
    const groups = FLAG.exec(arg)?.groups;
    if (groups === undefined) return this.#readPlain(args, index);
    const { long, negated, key = "", value } = groups;
    const next = args[index + 1];
    if (long === undefined) return this.#readShort(arg, next);
    // A value undoes the `no-`, whatever the flag is.
    if (value !== undefined) return this.#readAssigned(arg, key, value);
    return negated === undefined
      ? this.#readLong(arg, key, next)
      : this.#readNegated(arg, key, next);
  }

  #readPlain(args: readonly string[], index: number): number {
    const arg = args[index] ?? "";
    if (this.#options.unknown?.(arg) !== false) {
      const text = this.#strings.has("_") || !isNumber(arg);
      this.#result._.push(text ? arg : Number(arg));
    }
    if (!this.#options.stopEarly) return 1;
    this.#result._.push(...args.slice(index + 1));
    return args.length;
  }

  #readAssigned(arg: string, key: string, value: string): number {
    this.#set(key, this.#booleans.has(key) ? value !== "false" : value, arg);
    return 1;
  }

  #readNegated(arg: string, key: string, next: string | undefined): number {
    if (!this.#negatable.has(key)) {
      return this.#readLong(arg, `no-${key}`, next);
    }
    this.#set(key, false, arg, { collect: false });
    return 1;
  }

  #readLong(arg: string, key: string, next: string | undefined): number {
    const free = next !== undefined && !next.startsWith("-") &&
      this.#options.boolean !== true;
    return this.#setFromNext(key, arg, next, free);
  }

  /** Reads `-abc`, `-n5`, `-n=5`, `-n 5` and mixtures of them. */
  #readShort(arg: string, next: string | undefined): number {
    const letters = arg.slice(1, -1);
    for (let i = 0; i < letters.length; i++) {
      const letter = letters.charAt(i);
      const rest = arg.slice(i + 2);
      const value = attachedValue(letter, rest);
      if (value !== undefined) {
        this.#set(letter, value, arg);
        return 1;
      }
      this.#set(letter, rest === "-" ? rest : this.#bare(letter), arg);
    }
    const last = arg.slice(-1);
    if (last === "-") return 1;
    const free = next !== undefined && !/^--?[^-]/.test(next);
    return this.#setFromNext(last, arg, next, free);
  }

  /** Sets a flag to the next argument if that can be its value, else to what it is alone. */
  #setFromNext(
    key: string,
    arg: string,
    next: string | undefined,
    free: boolean,
  ): number {
    if (next && free && !this.#isBoolean(key)) {
      this.#set(key, next, arg);
      return 2;
    }
    if (next === "true" || next === "false") {
      this.#set(key, next === "true", arg);
      return 2;
    }
    this.#set(key, this.#bare(key), arg);
    return 1;
  }

  #set(
    key: string,
    given: Value,
    arg: string,
    options: { collect: boolean } = { collect: true },
  ): void {
    if (!this.#isKnown(key, arg)) {
      if (this.#options.unknown?.(arg, key, given) === false) return;
    }
    const value = typeof given === "string" && !this.#strings.has(key) &&
        isNumber(given)
      ? Number(given)
      : given;
    const collect = options.collect && this.#collected.has(key);
    for (const name of [key, ...this.#aliases.get(key) ?? []]) {
      setPath(this.#result, name, value, collect);
    }
  }

  #isKnown(key: string, arg: string): boolean {
    return this.#booleans.has(key) || this.#strings.has(key) ||
      this.#aliases.has(key) || this.#collected.has(key) ||
      (this.#options.boolean === true && /^--[^=]+$/.test(arg));
  }

  #isBoolean(key: string): boolean {
    return [key, ...this.#aliases.get(key) ?? []].some((name) =>
      this.#booleans.has(name)
    );
  }

  #bare(key: string): string | true {
    return this.#strings.has(key) ? "" : true;
  }

  /** Gives flags that were not given their defaults, switches `false`, and lists `[]`. */
  #fillIn(): void {
    for (const [key, value] of Object.entries(this.#options.default ?? {})) {
      if (hasPath(this.#result, key)) continue;
      for (const name of [key, ...this.#aliases.get(key) ?? []]) {
        setPath(this.#result, name, value, false);
      }
    }
    for (const key of this.#booleans) {
      if (hasPath(this.#result, key)) continue;
      setPath(this.#result, key, this.#collected.has(key) ? [] : false, false);
    }
    for (const key of this.#strings) {
      if (hasPath(this.#result, key) || !this.#collected.has(key)) continue;
      setPath(this.#result, key, [], false);
    }
  }

  #withAliases(names: Names): Set<string> {
    const list = typeof names === "boolean" || names === undefined
      ? []
      : [names].flat();
    return new Set(
      list.filter((name) => name !== "").flatMap((name) => [
        name,
        ...this.#aliases.get(name) ?? [],
      ]),
    );
  }
}

/** The value that follows a letter in the same argument, as in `-n5`, `-n=5` and `-n/path`. */
function attachedValue(letter: string, rest: string): string | undefined {
  if (rest === "-") return undefined;
  if (rest === "=") return "";
  if (/[A-Za-z]/.test(letter)) {
    const assigned = /=(?<value>.+)/.exec(rest)?.groups?.["value"];
    if (assigned !== undefined) return assigned;
    if (NUMBER_AT_END.test(rest)) return rest;
  }
  // The last character of the argument is a flag of its own, whatever it is.
  return rest.length > 1 && /^\W/.test(rest) ? rest : undefined;
}

function aliasesOf(
  alias: NonNullable<ParseOptions["alias"]>,
): Map<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  for (const [key, names] of Object.entries(alias)) {
    if (names === undefined) throw new TypeError("Alias value must be defined");
    const group = [key, ...[names].flat()];
    for (const name of group) {
      result.set(name, group.filter((other) => other !== name));
    }
  }
  return result;
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}

/** Sets `a.b.c`, making the objects on the way. */
function setPath(
  root: Record<string, unknown>,
  path: string,
  value: unknown,
  collect: boolean,
): void {
  const keys = path.split(".");
  if (keys.includes("__proto__")) return;
  const last = keys.pop() ?? "";
  let object = root;
  for (const key of keys) {
    if (isConstructor(object, key)) return;
    object = (object[key] ??= {}) as Record<string, unknown>;
  }
  if (isConstructor(object, last)) return;
  object[last] = collect ? appended(object[last], value) : value;
}

function isConstructor(object: Record<string, unknown>, key: string): boolean {
  return key === "constructor" && typeof object[key] === "function";
}

function appended(before: unknown, value: unknown): unknown[] {
  if (Array.isArray(before)) return [...before, value];
  return before ? [before, value] : [value];
}

function hasPath(root: Record<string, unknown>, path: string): boolean {
  let object: unknown = root;
  for (const key of path.split(".")) {
    if (!Object.hasOwn(Object(object), key)) return false;
    object = (object as Record<string, unknown>)[key];
  }
  return true;
}
