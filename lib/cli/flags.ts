/**
 * Reads the command line of the worker program, and shows its usage.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { nearest } from "../base/nearest.ts";
import { type Flag, FLAGS } from "./flag_list.ts";

/** A mistake on the command line; the program prints it in one line and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
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

/** The width of help texts, in characters. */
const HELP_WIDTH = 75;

const JOB_PERMISSION =
  /^--job-(?!allow-enqueue\b)((allow|deny|ignore)-[a-z]+(=.*)?)$/s;

/**
 * Parses a command line.
 *
 * @throws {UsageError} It names the flag, and the most similar known one.
 */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const own = args.filter((arg) => !JOB_PERMISSION.test(arg));
  const unknown: string[] = [];
  const parsed = parseArgs(normalized(own), {
    string: FLAGS.filter(({ value }) => value).map(({ name }) => name),
    boolean: FLAGS.filter(({ value }) => !value).map(({ name }) => name),
    collect: FLAGS.filter(({ value }) => value).map(({ name }) => name),
    alias: Object.fromEntries(
      FLAGS.flatMap(({ name, short }) =>
        short?.length === 1 ? [[name, short]] : []
      ),
    ),
    unknown: (arg) => {
      if (!arg.startsWith("-") || arg === "-") return true;
      unknown.push(arg);
      return false;
    },
  }) as Record<string, unknown>;
  if (unknown.length > 0) throw unknownFlag(unknown[0]!);
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  for (const { name, value, repeatable } of FLAGS) {
    const given = parsed[name];
    if (!value) {
      if (given === true) switches.add(name);
      continue;
    }
    const list = (given as string[] | undefined) ?? [];
    if (list.length === 0) continue;
    if (list.includes("")) throw new UsageError(`--${name} needs a value`);
    if (list.length > 1 && !repeatable) {
      throw new UsageError(`--${name} was given ${list.length} times`);
    }
    values.set(name, list);
  }
  const positional = (parsed["_"] as unknown[]).map(String);
  return { values, switches, positional, jobPermissions: permissionsOf(args) };
}

/** The text that `--help` shows. */
export function usage(): string {
  const own = FLAGS.filter(({ ofRq }) => !ofRq).map(usageLine);
  const ofRq = FLAGS.filter(({ ofRq }) => ofRq).map(usageLine);
  return [
    "Usage: rq-worker [worker] [FLAGS] [QUEUES…]",
    "       rq-worker cron FILE [FLAGS]",
    "",
    "worker (the default) runs the jobs of queues in Redis, each in its own process unless --isolation says",
    "otherwise. cron makes the jobs of schedules, those that FILE declares and all others, and runs none; it",
    "takes the flags of the connection, of the log, --name, --pid, --deno and --job-deno-arg.",
    "TIME is seconds, or text such as 90s, 5m, 1h30m; SIZE is megabytes, or text such as 256MB, 1.5GB.",
    "NAMES and QUEUES are separated by commas.",
    "Isolation is process (a fresh process for each job), reuse (one after the other in one process) or",
    "shared (concurrently in one process).",
    "",
    ...own,
    "      --job-allow-net[=HOSTS] …          the permissions of jobs: any permission flag of Deno with --job-",
    "                                         before it; exactly these (default: the worker's permissions)",
    "      --job-deny-net[=HOSTS] …           alone: the worker's permissions without this one",
    "      --job-allow-none                   jobs have no permissions",
    "",
    "Accepted for start scripts of Python's RQ:",
    "",
    ...ofRq,
  ].join("\n");
}

function usageLine({ name, short, value, help }: Flag): string {
  const flag = `${short ? `-${short}, ` : "    "}--${name}${
    value ? ` ${value}` : ""
  }`;
  return `  ${flag.padEnd(34)} ${wrapped(help).join(`\n${" ".repeat(37)}`)}`;
}

/** Wraps a help text at spaces. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + word.length >= HELP_WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/**
 * Normalizes what the parser does not understand: RQ's `--logging_level` and `-ds`, and values that look like flags
 * (`--results-ttl -1`, `--job-deno-arg --unstable-kv`).
 */
function normalized(args: readonly string[]): string[] {
  const result: string[] = [];
  for (const arg of args) {
    if (takesNext(result.at(-1), arg)) result.push(`${result.pop()}=${arg}`);
    else result.push(spelled(arg));
  }
  return result;
}

function takesNext(flag: string | undefined, next: string): boolean {
  const known = FLAGS.find(({ name, value }) => value && `--${name}` === flag);
  return known !== undefined &&
    (/^-\d+$/.test(next) ||
      known.name === "job-deno-arg" && next.startsWith("-"));
}

function spelled(arg: string): string {
  const [name = "", ...rest] = arg.split("=");
  const long = FLAGS.find(({ short }) =>
    short !== undefined && short.length > 1 && `-${short}` === name
  );
  if (long !== undefined) return [`--${long.name}`, ...rest].join("=");
  return arg.startsWith("--")
    ? [name.replaceAll("_", "-"), ...rest].join("=")
    : arg;
}

function permissionsOf(args: readonly string[]): string[] | undefined {
  const flags = args.flatMap((arg) => {
    const match = JOB_PERMISSION.exec(arg);
    return match ? [`--${match[1]}`] : [];
  });
  return flags.length === 0 ? undefined : flags;
}

function unknownFlag(arg: string): UsageError {
  const [name = arg] = arg.split("=", 1);
  const known = FLAGS.map(({ name }) => `--${name}`);
  const like = nearest(name, known);
  return new UsageError(
    `Unknown flag ${name}${like ? `; did you mean ${like}?` : ""}`,
  );
}
