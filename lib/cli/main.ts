/**
 * The worker program.
 *
 * @module
 */

import { VERSION } from "../base/version.ts";
import {
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
import { CannotStartError, WorkerNameTakenError } from "../worker/errors.ts";
import { parseFlags, usage, UsageError } from "./flags.ts";
import { workerCommand } from "./worker_command.ts";

/**
 * Runs the program; gives its exit code: 0, 1 for a failure, 2 for a mistake on the command line.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const flags = parseFlags(args);
    if (flags.switches.has("help")) {
      print(Deno.stdout, usage());
      return 0;
    }
    if (flags.switches.has("version")) {
      print(Deno.stdout, `rq-worker ${VERSION} (deno ${Deno.version.deno})`);
      return 0;
    }
    return await workerCommand(flags);
  } catch (error) {
    if (error instanceof UsageError) {
      print(Deno.stderr, `${error.message}\n\n${usage()}`);
      return 2;
    }
    if (!(error instanceof Error) || !isOfTheWorld(error)) throw error;
    print(Deno.stderr, error.message);
    return 1;
  }
}

/** What comes from outside of the program is told in a line; only a fault of its own shows its stack. */
function isOfTheWorld(error: Error): boolean {
  return [
    ConnectionLostError,
    ConnectionRefusedError,
    ReplyError,
    WorkerNameTakenError,
    CannotStartError,
  ].some((kind) => error instanceof kind);
}

function print(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  stream.writeSync(new TextEncoder().encode(`${text}\n`));
}
