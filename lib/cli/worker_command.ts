/**
 * The command `worker`.
 *
 * @module
 */

import { Worker } from "../worker/worker.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import { fromFlags, logOf, runProgram } from "./program.ts";
import { checkRqFlags } from "./rq_flags.ts";
import { splitList, workerOptions } from "./worker_flags.ts";

/** RQ's other commands. A queue with such a name has to be given by `--queues`. */
const OTHER_COMMANDS: readonly string[] = [
  "info",
  "enqueue",
  "requeue",
  "empty",
  "suspend",
  "resume",
  "worker-pool",
];

/** Runs a worker until it leaves. */
export async function workerCommand(flags: ParsedFlags): Promise<void> {
  const worker = fromFlags(() => makeWorker(flags));
  await runProgram({
    run: () => worker.work(),
    stop: () => worker.stop(),
    stopNow: () => worker.stopNow(),
  }, flags);
}

function makeWorker(flags: ParsedFlags): Worker {
  const log = logOf(flags);
  const warnings = checkRqFlags(flags);
  const options = workerOptions(flags, (text) => void warnings.push(text));
  const worker = new Worker(queuesOf(flags), { ...options, log });
  for (const warning of warnings) log.warn(warning);
  return worker;
}

function queuesOf(flags: ParsedFlags): string[] {
  const { positional, values } = flags;
  const named = splitList(values.get("queues") ?? []);
  const [command, ...rest] = positional;
  if (command !== undefined && OTHER_COMMANDS.includes(command)) {
    throw new UsageError(
      `Unknown command "${command}": there are worker and cron; if it is a queue, use --queues ${command}`,
    );
  }
  const queues = [...named, ...(command === "worker" ? rest : positional)];
  return queues.length === 0 ? ["default"] : queues;
}
