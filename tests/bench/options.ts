/** The command line of the benchmark. */

import { parseArgs } from "node:util";

/** What a run does. */
export interface BenchOptions {
  /** Fewer rounds, smaller numbers: less than three minutes. */
  readonly quick: boolean;
  /** Measure the features instead of the plain jobs. */
  readonly features: boolean;
  /** Print JSON instead of a table. */
  readonly json: boolean;
  /** Show what the workers print. */
  readonly verbose: boolean;
  readonly rounds: number;
  /** Names of measurements; all where there is none. */
  readonly only: readonly string[];
  /** The package with which this project talks to Redis. */
  readonly driver: "@db/redis" | "ioredis";
}

/** The text that `--help` shows, without the names of the measurements. */
export const USAGE = `Usage: deno task bench [FLAGS]

Runs this project, RQ and BullMQ side by side on a redis-server of their own.

  --quick            under three minutes
  --features         retries, delayed jobs and the like, instead of plain jobs
  --rounds N         rounds over all measurements (default: 5; --quick: 2)
  --only NAMES       measurements, separated by commas
  --driver PACKAGE   @db/redis or ioredis (default: @db/redis)
  --json             print JSON
  --verbose          show what the workers print
  --help             show this

RQ_PYTHON names a Python that has RQ, BULLMQ_HOME a directory whose node_modules
has bullmq and ioredis; without them, both are installed into a cache directory
(RQ_BENCH_CACHE, else deno-rq-bench in the user's cache).
`;

/** Marks a command line that cannot be used; shown without a stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the command line; `undefined` if it asks for help.
 *
 * @throws {UsageError} naming the flag
 */
export function parseOptions(
  args: readonly string[],
  names: readonly string[],
): BenchOptions | undefined {
  const { values } = read(args);
  if (values.help) return undefined;
  const only = (values.only ?? "").split(",").filter((name) => name !== "");
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `Cannot measure "${unknown}": expected ${names.join(", ")}`,
    );
  }
  const { driver = "@db/redis" } = values;
  if (driver !== "@db/redis" && driver !== "ioredis") {
    throw new UsageError(
      `Cannot use driver "${driver}": expected @db/redis or ioredis`,
    );
  }
  const quick = values.quick ?? false;
  return {
    quick,
    features: values.features ?? false,
    json: values.json ?? false,
    verbose: values.verbose ?? false,
    rounds: readRounds(values.rounds, quick ? 2 : 5),
    only,
    driver,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean" },
        features: { type: "boolean" },
        json: { type: "boolean" },
        verbose: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        rounds: { type: "string" },
        only: { type: "string" },
        driver: { type: "string" },
      },
    });
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot read the flags: ${state}`, { cause });
  }
}

function readRounds(text: string | undefined, preset: number): number {
  if (text === undefined) return preset;
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UsageError(`Cannot run ${text} rounds: expected 1 to 999`);
}
