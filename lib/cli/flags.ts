/**
 * The flags of the worker program, declared once: parsing, usage and suggestions are made of it.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { nearest } from "../base/nearest.ts";

/** One flag. */
interface Flag {
  readonly name: string;
  /** One letter, as in RQ. */
  readonly short?: string;
  /** What its value is called in the usage; a flag without one is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  readonly help: string;
}

const FLAGS: readonly Flag[] = [
  {
    name: "queues",
    value: "NAMES",
    repeatable: true,
    help: "queues in order of priority, separated by commas (default: default)",
  },
  {
    name: "url",
    short: "u",
    value: "URL",
    help:
      "where Redis is (default: RQ_REDIS_URL, REDIS_URL, REDIS_HOST and the like, redis://127.0.0.1:6379)",
  },
  { name: "burst", short: "b", help: "leave once every queue is empty" },
  {
    name: "name",
    short: "n",
    value: "NAME",
    help: "the worker's name (default: host name and process id)",
  },
  {
    name: "path",
    short: "P",
    value: "DIR",
    repeatable: true,
    help: "where job modules are looked for (default: the project, then .)",
  },
  {
    name: "job-modules",
    value: "NAMES",
    repeatable: true,
    help:
      "modules of jobs that are loaded from elsewhere, separated by commas: jsr:@acme/*,\n" +
      "npm:@acme/mail, https://acme.com/jobs/ (default: none)",
  },
  {
    name: "job-allow-enqueue",
    value: "QUEUES",
    repeatable: true,
    help:
      "queues that jobs may use besides the worker's own, separated by commas; * stands for any text",
  },
  {
    name: "results-ttl",
    value: "TIME",
    help: "how long results are kept; 0 not at all, -1 for ever (default: 500)",
  },
  {
    name: "worker-ttl",
    value: "TIME",
    help:
      "how long the worker's record outlives its last heartbeat (default: 60)",
  },
  {
    name: "job-monitoring-interval",
    value: "TIME",
    help: "time between two heartbeats, at most 5 (default: 5)",
  },
  {
    name: "maintenance-interval",
    value: "TIME",
    help: "time between two sweeps after dead workers (default: 3)",
  },
  {
    name: "isolation",
    value: "WAY",
    repeatable: true,
    help:
      "process: a fresh one for each job; reuse: one after the other in one; shared: side by side in one;\n" +
      "QUEUE=WAY for a single queue (default: process)",
  },
  {
    name: "max-jobs-per-process",
    value: "N",
    help: "a process takes no more than N jobs (default: 10000 with reuse)",
  },
  {
    name: "max-memory-per-process",
    value: "MB",
    help:
      "a process that has grown beyond this takes no more jobs (default: 512)",
  },
  {
    name: "job-memory",
    value: "SIZE",
    help:
      "end a job that uses more memory than 256MB, 1.5GB, … (default: no limit)",
  },
  {
    name: "preload",
    help: "load the module of the last job into the next process ahead of time",
  },
  {
    name: "concurrency",
    short: "c",
    value: "N",
    help: "jobs to run at once (default: 1)",
  },
  { name: "max-jobs", value: "N", help: "leave after N jobs" },
  {
    name: "max-idle-time",
    value: "TIME",
    help: "leave after so long without a job",
  },
  {
    name: "with-scheduler",
    short: "s",
    help: "queue scheduled jobs when their time has come",
  },
  {
    name: "dequeue-strategy",
    value: "WAY",
    help: "default, round_robin or random",
  },
  {
    name: "grace",
    value: "TIME",
    help:
      "longest time that a warm shutdown lets a job run on (default: no limit)",
  },
  {
    name: "big-ints",
    help:
      "integers that a number of JavaScript cannot hold reach jobs as BigInt\n(default: such a job fails)",
  },
  {
    name: "disable-job-desc-logging",
    help: "log the ids of jobs only, not their calls",
  },
  {
    name: "logging-level",
    value: "LEVEL",
    help: "DEBUG, INFO, WARNING, ERROR or CRITICAL (default: INFO)",
  },
  { name: "log-format", value: "FORMAT", help: "text or json (default: text)" },
  { name: "quiet", short: "q", help: "the same as --logging-level WARNING" },
  { name: "verbose", short: "v", help: "the same as --logging-level DEBUG" },
  { name: "pid", value: "FILE", help: "write the process id to a file" },
  {
    name: "prefix",
    value: "TEXT",
    help:
      "what every key begins with (default: RQ_KEY_PREFIX and a colon, else rq:)",
  },
  {
    name: "driver",
    value: "PACKAGE",
    help: "@db/redis or ioredis (default: @db/redis)",
  },
  {
    name: "deno",
    value: "FILE",
    help: "an installed deno that runs the jobs (default: this program)",
  },
  { name: "help", short: "h", help: "show this" },
  { name: "version", short: "V", help: "show the version" },
];

/** A mistake on the command line; the program shows it with the usage and ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command line, read. */
export interface ParsedFlags {
  /** Values of flags that were given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Switches that were given. */
  readonly switches: ReadonlySet<string>;
  /** What is no flag. */
  readonly positional: readonly string[];
  /** Deno's permission flags for jobs; absent where none was given. */
  readonly jobPermissions: readonly string[] | undefined;
}

const JOB_PERMISSION =
  /^--job-(?!allow-enqueue\b)((allow|deny|ignore)-[a-z]+(=.*)?)$/s;

/**
 * Reads a command line.
 *
 * @throws {UsageError} naming the flag, and the nearest known one
 */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const own = args.filter((arg) => !JOB_PERMISSION.test(arg));
  const unknown: string[] = [];
  const parsed = parseArgs(normalized(own), {
    string: FLAGS.filter(({ value }) => value).map(({ name }) => name),
    boolean: FLAGS.filter(({ value }) => !value).map(({ name }) => name),
    collect: FLAGS.filter(({ value }) => value).map(({ name }) => name),
    alias: Object.fromEntries(
      FLAGS.flatMap(({ name, short }) => short ? [[name, short]] : []),
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
  const lines = FLAGS.map(({ name, short, value, help }) => {
    const flag = `${short ? `-${short}, ` : "    "}--${name}${
      value ? ` ${value}` : ""
    }`;
    const text = help.replaceAll("\n", `\n${" ".repeat(37)}`);
    return `  ${flag.padEnd(34)} ${text}`;
  });
  return [
    "Usage: rq-worker [FLAGS] [QUEUES…]",
    "",
    "Runs the jobs of queues in Redis, each in a process of its own unless --isolation says otherwise.",
    "TIME is seconds, or text such as 90s, 5m, 1h30m.",
    "",
    ...lines,
    "      --job-allow-net[=HOSTS] …          what jobs may do: every permission flag of Deno with --job- before",
    "                                         it; exactly those (default: what the worker may)",
    "      --job-allow-none                   jobs may do nothing",
  ].join("\n");
}

/** RQ's `--logging_level` is taken too, and `--results-ttl -1`, whose value looks like a flag. */
function normalized(args: readonly string[]): string[] {
  const result: string[] = [];
  for (const arg of args) {
    const flag = /^--[a-z_-]+$/.exec(result.at(-1) ?? "");
    const valued = flag &&
      FLAGS.some(({ name, value }) => value && `--${name}` === flag[0]);
    if (valued && /^-\d+$/.test(arg)) {
      result.push(`${result.pop()}=${arg}`);
    } else if (arg.startsWith("--")) {
      const [name = "", ...rest] = arg.split("=");
      result.push([name.replaceAll("_", "-"), ...rest].join("="));
    } else result.push(arg);
  }
  return result;
}

function permissionsOf(args: readonly string[]): string[] | undefined {
  const flags = args.flatMap((arg) => {
    const match = JOB_PERMISSION.exec(arg);
    return match ? [`--${match[1]}`] : [];
  });
  if (flags.length === 0) return undefined;
  return flags.filter((flag) => flag !== "--allow-none");
}

function unknownFlag(arg: string): UsageError {
  const [name = arg] = arg.split("=", 1);
  const known = FLAGS.map(({ name }) => `--${name}`);
  const like = nearest(name, known);
  return new UsageError(
    `Unknown flag ${name}${like ? `; did you mean ${like}?` : ""}`,
  );
}
