/**
 * Reads a command line.
 *
 * @module
 */

import { nearest } from "../base/nearest.ts";

/** A mistake on the command line; the program prints it in one line and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** One flag. */
export interface Flag {
  readonly name: string;
  /** As in RQ; usually one letter. */
  readonly short?: string;
  /** What its value is called in the usage; a flag without one is a switch. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly repeatable?: boolean;
  /** Whether its value may begin with `-`, as a flag does. A negative number always may. */
  readonly takesFlags?: boolean;
  /** What its value may be, as far as a shell completes it. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** A flag of RQ that has no meaning here; accepted for scripts that call RQ. */
  readonly ofRq?: boolean;
}

/** The declaration of a flag whose value the command gets converted. */
export interface FlagSpec {
  /** One letter. */
  readonly short?: string;
  /** What its value is called in the usage; a flag without one is a switch. */
  readonly value?: string;
  /** What its value is: any text, a whole number from 1, or a length of time in seconds. @default "text" */
  readonly kind?: "text" | "count" | "duration";
  /** What its value may be. */
  readonly choices?: readonly string[];
  /** Whether it may be given several times. */
  readonly repeatable?: boolean;
  /** Whether its value may begin with `-`. */
  readonly takesFlags?: boolean;
  readonly help: string;
}

/** A parsed command line. */
export interface ParsedFlags {
  /** Values of flags that were given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Switches that were given. */
  readonly switches: ReadonlySet<string>;
  /** Arguments that are not flags. */
  readonly positional: readonly string[];
  /** Deno's permission flags for jobs, and `--allow-none`; `undefined` if none was given. */
  readonly jobPermissions: readonly string[] | undefined;
}

/** Deno's own flags with `job-` before them. `--job-allow-enqueue` is a flag of ours. */
const JOB_PERMISSION =
  /^--job-(?!allow-enqueue\b)((allow|deny|ignore)-[a-z]+(=.*)?)$/s;

/**
 * Parses a command line. A value follows its flag, `--queue low`, or is part of it, `--queue=low` or `-qlow`; `-bv` are
 * two switches; `_` is the same as `-` in the name of a flag, as in RQ's `--logging_level`. Behind `--`, nothing is a flag.
 *
 * @param flags The flags that there are.
 * @throws {UsageError} It names the flag, and the most similar known one.
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  options: { readonly jobPermissions?: boolean } = {},
): ParsedFlags {
  const reader = new Reader(flags, options.jobPermissions ?? false);
  for (let i = 0; i < args.length;) i += reader.read(args, i);
  return reader.result();
}

/** Reads one argument after the other. */
class Reader {
  readonly #flags: readonly Flag[];
  readonly #readsPermissions: boolean;
  readonly #values = new Map<string, string[]>();
  readonly #switches = new Set<string>();
  readonly #positional: string[] = [];
  readonly #permissions: string[] = [];

  constructor(flags: readonly Flag[], readsPermissions: boolean) {
    this.#flags = flags;
    this.#readsPermissions = readsPermissions;
  }

  /** Reads the argument at an index, and returns how many it has used. */
  read(args: readonly string[], index: number): number {
    const arg = args[index]!;
    if (arg === "--") {
      const rest = args.slice(index);
      this.#positional.push(...rest.slice(1));
      return rest.length;
    }
    if (!arg.startsWith("-") || arg === "-") {
      this.#positional.push(arg);
      return 1;
    }
    const permission = this.#readsPermissions && JOB_PERMISSION.exec(arg);
    if (permission) {
      this.#permissions.push(`--${permission[1]}`);
      return 1;
    }
    const { flag, value, more } = this.#find(arg);
    if (flag.value === undefined) {
      if (value !== undefined) {
        throw new UsageError(`--${flag.name} takes no value`);
      }
      this.#switches.add(flag.name);
      return more === undefined ? 1 : this.read([more], 0);
    }
    const next = args[index + 1];
    const given = value ?? (isValue(flag, next) ? next : "");
    if (given === "") throw new UsageError(`--${flag.name} needs a value`);
    this.#add(flag, given);
    return value === undefined ? 2 : 1;
  }

  result(): ParsedFlags {
    return {
      values: this.#values,
      switches: this.#switches,
      positional: this.#positional,
      jobPermissions: this.#permissions.length === 0
        ? undefined
        : this.#permissions,
    };
  }

  #add({ name, repeatable }: Flag, value: string): void {
    const list = this.#values.get(name) ?? [];
    list.push(value);
    if (list.length > 1 && !repeatable) {
      throw new UsageError(`--${name} was given more than once`);
    }
    this.#values.set(name, list);
  }

  /** The flag of an argument, the value that is part of it, and further switches behind its letter. */
  #find(arg: string): { flag: Flag; value?: string; more?: string } {
    const { spelled = arg, value } =
      /^(?<spelled>[^=]+)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    const name = spelled.replace(/^--/, "").replaceAll("_", "-");
    const flag = this.#flags.find((flag) =>
      spelled.startsWith("--")
        ? flag.name === name
        : `-${flag.short}` === spelled
    );
    if (flag !== undefined) {
      return value === undefined ? { flag } : { flag, value };
    }
    const first = spelled.startsWith("--")
      ? undefined
      : this.#flags.find(({ short }) => short === arg[1]);
    if (first === undefined) throw unknownFlag(spelled, this.#flags);
    const rest = arg.slice(2);
    return first.value === undefined
      ? { flag: first, more: `-${rest}` }
      : { flag: first, value: rest };
  }
}

function isValue(flag: Flag, text: string | undefined): text is string {
  return text !== undefined &&
    (!text.startsWith("-") || text === "-" || /^-\d+$/.test(text) ||
      flag.takesFlags === true);
}

function unknownFlag(given: string, flags: readonly Flag[]): UsageError {
  const like = nearest(given, flags.map(({ name }) => `--${name}`));
  return new UsageError(
    `Unknown flag ${given}${like ? `; did you mean ${like}?` : ""}`,
  );
}

/**
 * Makes something out of what the command line says: what the API finds wrong with it, by a `RangeError` or a `TypeError`,
 * is a mistake on the command line.
 */
export function fromFlags<T>(make: () => Promise<T>): Promise<T>;
/** The same at once. */
export function fromFlags<T>(make: () => T): T;
export function fromFlags<T>(make: () => T | Promise<T>): T | Promise<T> {
  try {
    const made = make();
    return made instanceof Promise ? made.catch(asUsageError) : made;
  } catch (error) {
    return asUsageError(error);
  }
}

function asUsageError(error: unknown): never {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  throw new UsageError(error.message, { cause: error });
}
