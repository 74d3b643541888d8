/**
 * The command `cron`.
 *
 * @module
 */

import { CronProgram } from "../../worker/cron_program.ts";
import type { Command } from "../command.ts";
import { fromFlags, type ParsedFlags, UsageError } from "../flags.ts";
import { logOf, runProgram } from "../program.ts";
import { checkRqFlags } from "../rq_flags.ts";
import { WORKER_FLAGS } from "../worker_flag_list.ts";
import { workerOptions } from "../worker_flags.ts";

/** The worker's flags that have a meaning for it. */
const FLAGS: ReadonlySet<string> = new Set([
  "url",
  "config",
  "driver",
  "prefix",
  "name",
  "path",
  "deno",
  "job-deno-arg",
  "logging-level",
  "log-format",
  "date-format",
  "quiet",
  "verbose",
  "pid",
  "heartbeat-file",
  "until-eof",
  "help",
]);

/** Schedules what a file declares, and all other schedules, until it is stopped. */
export const command: Command = {
  args: "FILE",
  about: [
    "Makes the jobs of schedules, those that FILE declares by calls of cron() and all others, and runs none.",
  ],
  flags: WORKER_FLAGS.filter(({ name, ofRq }) => ofRq || FLAGS.has(name)),
  async run(flags) {
    const program = await fromFlags(() => makeProgram(flags));
    await runProgram({
      run: () => program.run(),
      listening: program.listening,
      stop: () => program.stop(),
      stopNow: () => program.stop(),
    }, flags);
    return 0;
  },
};

async function makeProgram(flags: ParsedFlags): Promise<CronProgram> {
  const [file, ...more] = flags.positional;
  if (file === undefined || more.length > 0) {
    throw new UsageError(
      "cron needs one file, whose calls of cron() declare schedules: cron FILE; if it is a queue, use --queues cron",
    );
  }
  const log = await logOf(flags);
  const warnings = checkRqFlags(flags);
  const options = workerOptions(flags, () => {});
  const program = new CronProgram(file, { ...options, log });
  for (const warning of warnings) log.warn(warning);
  return program;
}
