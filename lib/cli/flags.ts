/**
 * Reads a command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
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
  const permissions: string[] = [];
  const isPermission = (arg: string) => {
    const found = options.jobPermissions && JOB_PERMISSION.exec(arg);
    if (found) permissions.push(`--${found[1]}`);
    return Boolean(found);
  };
  const parsed = parseArgs(normalized(args, flags, isPermission), {
    boolean: keysOf(flags.filter(({ value }) => value === undefined)),
    string: ["_", ...keysOf(flags.filter(({ value }) => value !== undefined))],
    collect: keysOf(flags.filter(({ value }) => value !== undefined)),
    unknown: (arg) => {
      if (!arg.startsWith("-") || arg === "-") return true;
      throw unknownFlag(arg.split("=", 1)[0]!, flags);
    },
  }) as Readonly<Record<string, unknown>>;
  const values = new Map<string, readonly string[]>();
  const switches = new Set<string>();
  for (const flag of flags) {
    const given = parsed[keyOf(flag)];
    if (flag.value !== undefined) {
      const texts = given as readonly string[] | undefined;
      if (texts?.length) values.set(flag.name, checked(flag, texts));
    } else if (given === true) switches.add(flag.name);
  }
  return {
    values,
    switches,
    positional: parsed["_"] as readonly string[],
    jobPermissions: permissions.length === 0 ? undefined : permissions,
  };
}

function keysOf(flags: readonly Flag[]): string[] {
  return flags.map(keyOf);
}

/** What `parseArgs` is told a flag is called: it would take `--no-scheduler=true` for `--scheduler=true`. */
function keyOf({ name }: Flag): string {
  return name.replace(/^no-/, "no ");
}

function checked(
  { name, repeatable }: Flag,
  texts: readonly string[],
): readonly string[] {
  if (texts.includes("")) throw new UsageError(`--${name} needs a value`);
  if (texts.length === 1 || repeatable) return texts;
  throw new UsageError(`--${name} was given more than once`);
}

/**
 * Writes each flag as `--name=value`, which `parseArgs` reads as it is meant. Otherwise it would take `-qlow` for three
 * switches, `true` behind a switch for its value, and `-1` for a flag. What is no flag that there is stays as it is.
 *
 * @param skip Whether an argument is none of the flags' business.
 */
function normalized(
  args: readonly string[],
  flags: readonly Flag[],
  skip: (arg: string) => boolean,
): string[] {
  const result: string[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === "--") return [...result, arg, ...left];
    if (skip(arg)) continue;
    const found = /^-./.test(arg) ? findFlag(arg, flags) : undefined;
    if (found === undefined) {
      result.push(arg);
      continue;
    }
    const { flag, value, more } = found;
    if (flag.value === undefined) {
      if (value !== undefined) {
        throw new UsageError(`--${flag.name} takes no value`);
      }
      result.push(`--${keyOf(flag)}=true`);
      if (more !== undefined) left.unshift(more);
    } else {
      const own = value ?? (isValue(flag, left[0]) ? left.shift()! : "");
      result.push(`--${keyOf(flag)}=${own}`);
    }
  }
  return result;
}

/** The flag of an argument, the value that is part of it, and further switches behind its letter. */
function findFlag(
  arg: string,
  flags: readonly Flag[],
):
  | { readonly flag: Flag; readonly value?: string; readonly more?: string }
  | undefined {
  const { spelled = arg, value } =
    /^(?<spelled>[^=]+)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
  const isLong = spelled.startsWith("--");
  const name = spelled.replace(/^--/, "").replaceAll("_", "-");
  const flag = flags.find((flag) =>
    isLong ? flag.name === name : `-${flag.short}` === spelled
  );
  if (flag !== undefined) {
    return value === undefined ? { flag } : { flag, value };
  }
  const first = isLong
    ? undefined
    : flags.find(({ short }) => short === arg[1]);
  if (first === undefined) return undefined;
  const rest = arg.slice(2);
  return first.value === undefined
    ? { flag: first, more: `-${rest}` }
    : { flag: first, value: rest };
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
