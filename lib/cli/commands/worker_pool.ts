/**
 * The command `worker-pool`.
 *
 * @module
 */

import {
  WorkerPool,
  type WorkerPoolOptions,
} from "../../worker/worker_pool.ts";
import type { Command } from "../command.ts";
import {
  type Flag,
  fromFlags,
  type ParsedFlags,
  UsageError,
} from "../flags.ts";
import { logOf, runProgram } from "../program.ts";
import { checkRqFlags } from "../rq_flags.ts";
import { WORKER_FLAGS } from "../worker_flag_list.ts";
import { queuesOf, workerOptions } from "../worker_flags.ts";

/** The flags of the log, which are the workers' as well. */
const LOG_FLAGS: readonly string[] = [
  "logging-level",
  "log-format",
  "date-format",
  "quiet",
  "verbose",
];

const OWN_FLAGS: readonly Flag[] = [
  {
    name: "num-workers",
    short: "n",
    value: "N",
    help: "how many workers there are (default: 2)",
  },
  {
    name: "autoscale",
    value: "N..N",
    help:
      "from how many to how many workers there are: more while jobs wait and all work, fewer when one has been idle for a minute",
  },
  {
    name: "watch",
    help:
      "replace the workers when a module under their paths changes; they finish what they run",
  },
  {
    name: "worker-deno-arg",
    value: "FLAG",
    repeatable: true,
    takesFlags: true,
    help:
      "a further flag of the deno that runs workers, its value after =; if there are permissions among them, workers have those alone (default: none)",
  },
];

/** Runs a pool of workers until it is stopped. */
export const command: Command = {
  args: "[QUEUES…]",
  about: [
    "A worker that ends is replaced: at once, or after a pause if it died soon after its start. SIGTERM and Ctrl-C stop all workers as they stop one. SIGHUP replaces them one after the other, each when the next one listens; what they run may end.",
    "All flags of a worker are those of each worker; --name is that of the pool, and its workers are called NAME.1, NAME.2 and so on.",
  ],
  flags: [
    ...OWN_FLAGS,
    ...WORKER_FLAGS.map(ofPool),
  ],
  jobPermissions: true,
  async run(flags) {
    const pool = await fromFlags(() => makePool(flags));
    await runProgram({
      run: () => pool.start(),
      listening: pool.listening,
      stop: () => pool.stop(),
      stopNow: () => pool.stopNow(),
      restart: () => pool.restart(),
    }, flags);
    return 0;
  },
};

/** `-n` is the number of workers, as in RQ. */
function ofPool(flag: Flag): Flag {
  if (flag.name !== "name") return flag;
  const { short: _, ...rest } = flag;
  return {
    ...rest,
    help: "the pool's name (default: host name, process id and a random text)",
  };
}

async function makePool(flags: ParsedFlags): Promise<WorkerPool> {
  const watch = flags.switches.has("watch");
  if (watch && flags.switches.has("burst")) {
    throw new UsageError(
      "Cannot use --watch with --burst: the workers leave by themselves",
    );
  }
  const log = await logOf(flags);
  const warnings = checkRqFlags(flags);
  const options: WorkerPoolOptions = {
    ...workerOptions(flags, (text) => void warnings.push(text)),
    ...numWorkers(flags),
    watch,
    workerFlags: logFlags(flags),
    workerDenoArgs: flags.values.get("worker-deno-arg") ?? [],
    ...(Deno.build.standalone ? { workerCommand: [Deno.execPath()] } : {}),
    log,
  };
  const pool = new WorkerPool(queuesOf(flags), options);
  for (const warning of warnings) log.warn(warning);
  return pool;
}

function numWorkers(
  { values }: ParsedFlags,
): Pick<WorkerPoolOptions, "numWorkers"> {
  const [count] = values.get("num-workers") ?? [];
  const [range] = values.get("autoscale") ?? [];
  if (count !== undefined && range !== undefined) {
    throw new UsageError("Cannot use both --num-workers and --autoscale");
  }
  const [, min, max] = /^(\d+)\.\.(\d+)$/.exec(range ?? "") ?? [];
  if (range !== undefined && max === undefined) {
    throw new UsageError(
      `Cannot use --autoscale "${range}": expected the least and the most, as in 2..8`,
    );
  }
  if (range !== undefined) {
    return { numWorkers: { min: Number(min), max: Number(max) } };
  }
  if (count === undefined) return {};
  if (/^\d+$/.test(count)) return { numWorkers: Number(count) };
  throw new UsageError(
    `Cannot use --num-workers "${count}": expected a whole number from 1`,
  );
}

function logFlags({ values, switches }: ParsedFlags): string[] {
  return LOG_FLAGS.flatMap((name) => {
    if (switches.has(name)) return [`--${name}`];
    return (values.get(name) ?? []).map((value) => `--${name}=${value}`);
  });
}
