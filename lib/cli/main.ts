/**
 * The program: finds the command, runs it, and reports errors.
 *
 * @module
 */

import { printable } from "../base/printable.ts";
import { VERSION } from "../base/version.ts";
import { STDERR, STDOUT } from "../worker/output.ts";
import type { Command } from "./command.ts";
import {
  type Called,
  COMMAND_LIST,
  findCommand,
  isCommandWord,
} from "./commands.ts";
import { type ParsedFlags, parseFlags, UsageError } from "./flags.ts";
import { PROGRAM, usageOf, usageOfAll } from "./usage.ts";

/**
 * Runs the program and returns its exit code: 0, 1 for a failure, 2 for a mistake on the command line.
 */
export async function main(args: readonly string[]): Promise<number> {
  let name = "";
  try {
    const found = findCommand(args);
    if ("help" in found) {
      STDOUT.print(found.help);
      return 0;
    }
    name = `${found.name} `;
    return await run(found);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return report(error, name);
  }
}

async function run(called: Called): Promise<number> {
  const { command } = await called.load();
  const parsed = parseFlags(called.args, command.flags, command);
  if (parsed.switches.has("help")) {
    STDOUT.print(
      called.isNamed ? usageOf(called, command) : usageOfAll(COMMAND_LIST),
    );
    return 0;
  }
  if (parsed.switches.has("version")) {
    STDOUT.print(`${PROGRAM} ${VERSION} (deno ${Deno.version.deno})`);
    return 0;
  }
  const given = called.isNamed ? parsed : unnamed(parsed);
  return await command.run(await withSettings(given, command));
}

/** Adds what a file of settings says, if there is one. */
async function withSettings(
  parsed: ParsedFlags,
  { flags }: Command,
): Promise<ParsedFlags> {
  if (!parsed.values.has("config") && !hasVariable("RQ_CONFIG")) return parsed;
  const { withSettingsFile } = await import("./settings_file.ts");
  return await withSettingsFile(parsed, flags);
}

function hasVariable(variable: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" && Deno.env.has(variable);
}

/** Checks that what stands behind the flags of a worker is no command: `--burst worker low`, `--burst info`. */
function unnamed(parsed: ParsedFlags): ParsedFlags {
  const [word, ...rest] = parsed.positional;
  if (word === "worker") return { ...parsed, positional: rest };
  if (word === undefined || !isCommandWord(word)) return parsed;
  throw new UsageError(
    `Cannot use command "${word}" behind flags: put it first; if it is a queue, use --queues ${word}`,
  );
}

/** Prints an error in a line, and returns the exit code. Only a bug shows its stack. */
function report(error: Error, name: string): number {
  if (error.name === "ReaderGoneError") return 0;
  const text = printable(error.message);
  if (error instanceof UsageError) {
    STDERR.print(`${text}; ${name}--help lists all flags`);
    return 2;
  }
  if (!OPERATIONAL.has(error.name)) throw error;
  STDERR.print(text);
  return 1;
}

/**
 * The names of errors that tell of the state of things, such as an unreachable server. By name, since their classes are
 * in modules that some commands need not load.
 */
const OPERATIONAL: ReadonlySet<string> = new Set([
  "CallRefusedError",
  "CannotStartError",
  "CannotWriteError",
  "ConnectionLostError",
  "ConnectionRefusedError",
  "DeclinedError",
  "DuplicateJobError",
  "InvalidJobOperationError",
  "JobFailedError",
  "NoSuchGroupError",
  "NoSuchJobError",
  "NoSuchScheduleError",
  "ReplyError",
  "WorkerNameTakenError",
]);
