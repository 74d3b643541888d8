/**
 * The texts of `--help`.
 *
 * @module
 */

import type { Command } from "./command.ts";
import type { Flag } from "./flags.ts";

/** What the program is called in its help. */
export const PROGRAM = "rq-worker";

/** The width of help texts, in characters. */
const HELP_WIDTH = 75;

/** A command in a list of commands. */
export interface Listed {
  readonly name: string;
  readonly summary: string;
}

/** The help of the program, or of the commands that begin with one word. */
export function usageOfAll(commands: readonly Listed[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    `Usage: ${PROGRAM} COMMAND [FLAGS]`,
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "COMMAND --help shows its flags. Without a command it is worker: a queue that is called like a command is given by",
    "--queues.",
  ].join("\n");
}

/** The help of one command. */
export function usageOf({ name, summary }: Listed, command: Command): string {
  const own = command.flags.filter(({ ofRq }) => !ofRq).map(usageLine);
  const ofRq = command.flags.filter(({ ofRq }) => ofRq).map(usageLine);
  const args = command.args === undefined ? "" : ` ${command.args}`;
  return [
    `Usage: ${PROGRAM} ${name} [FLAGS]${args}`,
    "",
    summary.replace(/^./, (letter) => letter.toUpperCase()),
    ...command.about.flatMap((text) => ["", ...wrapped(text, 110)]),
    "",
    ...own,
    ...(command.jobPermissions ? JOB_PERMISSIONS : []),
    ...(ofRq.length === 0
      ? []
      : ["", "Accepted for Python's RQ:", "", ...ofRq]),
  ].join("\n");
}

const JOB_PERMISSIONS: readonly string[] = [
  "      --job-allow-net[=HOSTS] …          the permissions of jobs: any permission flag of Deno with --job-",
  "                                         before it; exactly these (default: the worker's permissions)",
  "      --job-deny-net[=HOSTS] …           alone: the worker's permissions without this one",
  "      --job-allow-none                   jobs have no permissions",
];

function usageLine({ name, short, value, help }: Flag): string {
  const flag = `${short ? `-${short}, ` : "    "}--${name}${
    value ? ` ${value}` : ""
  }`;
  const lines = wrapped(help, HELP_WIDTH);
  return `  ${flag.padEnd(34)} ${lines.join(`\n${" ".repeat(37)}`)}`;
}

/** Wraps a text at spaces. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
