/**
 * The command `cron`.
 *
 * @module
 */

import { CronProgram } from "../worker/cron_program.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import { fromFlags, logOf, runProgram } from "./program.ts";
import { workerOptions } from "./worker_flags.ts";

/** The flags that have a meaning for it. */
const FLAGS: ReadonlySet<string> = new Set([
  "url",
  "driver",
  "prefix",
  "name",
  "deno",
  "job-deno-arg",
  "logging-level",
  "log-format",
  "quiet",
  "verbose",
  "pid",
]);

/** Schedules what a file declares, and all other schedules, until it is stopped. */
export async function cronCommand(flags: ParsedFlags): Promise<void> {
  const program = fromFlags(() => makeProgram(flags));
  await runProgram({
    run: () => program.run(),
    stop: () => program.stop(),
    stopNow: () => program.stop(),
  }, flags);
}

function makeProgram(flags: ParsedFlags): CronProgram {
  const [, file, ...more] = flags.positional;
  if (file === undefined || more.length > 0) {
    throw new UsageError(
      "cron needs one file, whose calls of cron() declare schedules: cron FILE; if it is a queue, use --queues cron",
    );
  }
  const given = [...flags.values.keys(), ...flags.switches];
  const useless = given.find((name) => !FLAGS.has(name));
  if (useless !== undefined || flags.jobPermissions !== undefined) {
    throw new UsageError(
      `Cannot use --${useless ?? "job-allow-…"} with cron: it runs no jobs`,
    );
  }
  const options = workerOptions(flags, () => {});
  return new CronProgram(file, { ...options, log: logOf(flags) });
}
