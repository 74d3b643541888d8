/**
 * The options of a pool of workers.
 *
 * @module
 */

import { refuseUnknown } from "../base/options.ts";
import { checkFlag } from "../runner/deno_args.ts";
import type { WorkerOptions } from "./options.ts";
import { OPTION_NAMES } from "./settings.ts";

/** Options of a `WorkerPool`: its own, and those of its workers. */
export interface WorkerPoolOptions extends WorkerOptions {
  /**
   * How many workers there are; or the least and the most, between which the pool goes by the jobs that wait.
   *
   * @default 2
   */
  readonly numWorkers?: number | WorkerRange;
  /**
   * The pool's name. Its workers are called `NAME.1`, `NAME.2` and so on; a new one gets a new number.
   *
   * @default host name, process id and a random text
   */
  readonly name?: string;
  /**
   * Whether workers are replaced, one after the other, when a module under their `paths` changes: for development.
   *
   * @default false
   */
  readonly watch?: boolean;
  /**
   * Further flags of the program of a worker, such as `--log-format=json`.
   *
   * @default []
   */
  readonly workerFlags?: readonly string[];
  /**
   * Further flags of the `deno run` that runs workers, each with its value after `=`. If there are permissions among them,
   * workers have those alone.
   *
   * @default []
   */
  readonly workerDenoArgs?: readonly string[];
  /**
   * The command that starts the program of a worker, as in `["./rq-worker"]`. A compiled program has to name it.
   *
   * @default this package's `worker.ts`, run by this `deno` with the permissions of this process
   */
  readonly workerCommand?: readonly string[];
}

/** From how many to how many workers. */
export interface WorkerRange {
  /** The least. */
  readonly min: number;
  /** The most. */
  readonly max: number;
}

/** The options of a pool that are none of its workers'. */
type OwnOption = Exclude<keyof WorkerPoolOptions, keyof WorkerOptions>;

const OWN: Readonly<Record<OwnOption, true>> = {
  numWorkers: true,
  watch: true,
  workerFlags: true,
  workerDenoArgs: true,
  workerCommand: true,
};

const POOL_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...OPTION_NAMES,
  ...Object.keys(OWN),
]);

/** The most workers of a pool: each takes tens of megabytes. */
const MOST = 1_000;

/** How many workers a pool has if nobody says; so RQ documents it. */
const DEFAULT_WORKERS = 2;

/**
 * Checks the options that are the pool's own, and gives those of its workers.
 *
 * @throws {RangeError | TypeError} It names the option that is wrong.
 */
export function optionsOfWorkers(options: WorkerPoolOptions): WorkerOptions {
  refuseUnknown(options, POOL_OPTION_NAMES, "Cannot make a worker pool");
  const { connection, workerCommand, workerDenoArgs = [] } = options;
  for (const arg of workerDenoArgs) checkFlag(arg, "workers");
  if (typeof connection === "object" && !(connection instanceof URL)) {
    throw new TypeError(
      "Cannot make a worker pool: its workers are processes of their own, and need a URL as connection",
    );
  }
  if (Deno.build.standalone && workerCommand === undefined) {
    throw new TypeError(
      "Cannot make a worker pool: a compiled program has to name the program of its workers (workerCommand)",
    );
  }
  const entries = Object.entries(options).filter(([name]) =>
    !Object.hasOwn(OWN, name)
  );
  return Object.fromEntries(entries);
}

/**
 * Checks the number of workers.
 *
 * @throws {RangeError} It says what is expected.
 */
export function checkNumWorkers(
  value: number | WorkerRange = DEFAULT_WORKERS,
): WorkerRange {
  const { min, max } = typeof value === "number"
    ? { min: value, max: value }
    : value;
  const areCounts = [min, max].every((count) =>
    Number.isInteger(count) && count >= 1 && count <= MOST
  );
  if (areCounts && min <= max) return { min, max };
  const shown = typeof value === "number" ? value : `${min}..${max}`;
  throw new RangeError(
    `Cannot use numWorkers ${shown}: expected a whole number from 1 to ${MOST}, or the least and the most`,
  );
}
