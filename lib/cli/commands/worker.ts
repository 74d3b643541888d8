/**
 * The command `worker`.
 *
 * @module
 */

import { STDOUT } from "../../worker/output.ts";
import { Worker } from "../../worker/worker.ts";
import type { Command } from "../command.ts";
import { type Flag, fromFlags, type ParsedFlags } from "../flags.ts";
import { logOf, runProgram } from "../program.ts";
import { checkRqFlags } from "../rq_flags.ts";
import { WORKER_FLAGS } from "../worker_flag_list.ts";
import { queuesOf, workerOptions } from "../worker_flags.ts";

const CHECK_FLAG: Flag = {
  name: "check",
  help:
    "check that a worker with these flags could start (Redis, permissions, a process for jobs), and run nothing",
};

/** Runs a worker until it leaves. */
export const command: Command = {
  args: "[QUEUES…]",
  about: [
    "Each job runs in its own process unless --isolation says otherwise: process (a fresh process for each job), reuse (one after the other in one process) or shared (concurrently in one process).",
    "TIME is seconds, or text such as 90s, 5m, 1h30m; SIZE is megabytes, or text such as 256MB, 1.5GB. NAMES and QUEUES are separated by commas.",
  ],
  flags: [CHECK_FLAG, ...WORKER_FLAGS],
  jobPermissions: true,
  async run(flags) {
    const worker = await fromFlags(() => makeWorker(flags));
    if (flags.switches.has("check")) {
      await worker.check();
      STDOUT.print("A worker could start");
      return 0;
    }
    await runProgram({
      run: () => worker.work(),
      listening: worker.listening,
      stop: () => worker.stop(),
      stopNow: () => worker.stopNow(),
    }, flags);
    return 0;
  },
};

async function makeWorker(flags: ParsedFlags): Promise<Worker> {
  const log = await logOf(flags);
  const warnings = checkRqFlags(flags);
  const options = workerOptions(flags, (text) => void warnings.push(text));
  const worker = new Worker(queuesOf(flags), { ...options, log });
  for (const warning of warnings) log.warn(warning);
  return worker;
}
