/**
 * The program: the commands `worker` and `cron`.
 *
 * @module
 */

import { VERSION } from "../base/version.ts";
import {
  CallRefusedError,
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
import { CannotStartError, WorkerNameTakenError } from "../worker/errors.ts";
import { printable } from "../base/printable.ts";
import { STDERR, STDOUT } from "../worker/output.ts";
import { cronCommand } from "./cron_command.ts";
import { type ParsedFlags, parseFlags, usage, UsageError } from "./flags.ts";
import { workerCommand } from "./worker_command.ts";

/**
 * Runs the program and returns its exit code: 0, 1 for a failure, 2 for a mistake on the command line.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const flags = parseFlags(args);
    if (flags.switches.has("help")) {
      STDOUT.print(usage());
      return 0;
    }
    if (flags.switches.has("version")) {
      STDOUT.print(`rq-worker ${VERSION} (deno ${Deno.version.deno})`);
      return 0;
    }
    await commandOf(flags)(flags);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      STDERR.print(`${printable(error.message)}; --help lists all flags`);
      return 2;
    }
    if (!(error instanceof Error) || !isOperational(error)) throw error;
    STDERR.print(printable(error.message));
    return 1;
  }
}

/** The command that is named first; a worker if none is. */
function commandOf(
  { positional }: ParsedFlags,
): (flags: ParsedFlags) => Promise<void> {
  return positional[0] === "cron" ? cronCommand : workerCommand;
}

/** An operational error, such as an unreachable server, is reported in one line; only a bug shows its stack. */
function isOperational(error: Error): boolean {
  return [
    ConnectionLostError,
    ConnectionRefusedError,
    ReplyError,
    CallRefusedError,
    WorkerNameTakenError,
    CannotStartError,
  ].some((kind) => error instanceof kind);
}
