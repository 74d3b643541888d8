/**
 * The table of commands. A command is loaded when it is called, so that a worker starts without those.
 *
 * @module
 */

import { nearest } from "../base/nearest.ts";
import type { Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { type Flag, UsageError } from "./flags.ts";
import { type Listed, usageOfAll } from "./usage.ts";

interface CommandEntry {
  /** What it does, in one sentence without a full stop. */
  readonly summary: string;
  /** Loads it. */
  load(): Promise<{ readonly command: Command }>;
}

/** The commands, in the order of `--help`: those of RQ first. A name has one word or two. */
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  "worker": {
    summary: "run the jobs of queues (the default)",
    load: () => import("./commands/worker.ts"),
  },
  "worker-pool": {
    summary: "run several workers, each a process of its own",
    load: () => import("./commands/worker_pool.ts"),
  },
  "cron": {
    summary: "make the jobs of schedules, and run none",
    load: () => import("./commands/cron.ts"),
  },
  "info": {
    summary: "show queues and workers",
    load: () => import("./commands/info.ts"),
  },
  "enqueue": {
    summary: "enqueue a call of a function",
    load: () => import("./commands/enqueue.ts"),
  },
  "requeue": {
    summary: "put failed jobs back on their queues",
    load: () => import("./commands/requeue.ts"),
  },
  "empty": {
    summary: "delete the waiting jobs of queues",
    load: () => import("./commands/empty.ts"),
  },
  "suspend": {
    summary: "keep all workers from taking jobs",
    load: () => import("./commands/suspend.ts"),
  },
  "resume": {
    summary: "let workers take jobs again",
    load: () => import("./commands/resume.ts"),
  },
  "job list": {
    summary: "list jobs",
    load: () => import("./commands/job_list.ts"),
  },
  "job requeue": {
    summary: "put jobs back on their queues",
    load: () => import("./commands/job_requeue.ts"),
  },
  "job cancel": {
    summary: "cancel jobs",
    load: () => import("./commands/job_cancel.ts"),
  },
  "job delete": {
    summary: "delete jobs",
    load: () => import("./commands/job_delete.ts"),
  },
  "job stop": {
    summary: "stop jobs that run",
    load: () => import("./commands/job_stop.ts"),
  },
  "job signal": {
    summary: "give a job a signal for which it waits",
    load: () => import("./commands/job_signal.ts"),
  },
  "job show": {
    summary: "show all that is known of a job",
    load: () => import("./commands/job_show.ts"),
  },
  "job logs": {
    summary: "show what a job has logged and printed",
    load: () => import("./commands/job_logs.ts"),
  },
  "job watch": {
    summary: "show what happens to a job until it has ended",
    load: () => import("./commands/job_watch.ts"),
  },
  "watch": {
    summary: "show what happens to the jobs of queues",
    load: () => import("./commands/watch.ts"),
  },
  "queue list": {
    summary: "show how many jobs are where, and which queues are paused",
    load: () => import("./commands/queue_list.ts"),
  },
  "queue pause": {
    summary: "keep workers from taking jobs of queues",
    load: () => import("./commands/queue_pause.ts"),
  },
  "queue resume": {
    summary: "let workers take jobs of queues again",
    load: () => import("./commands/queue_resume.ts"),
  },
  "queue delete": {
    summary: "delete queues and the jobs that wait on them",
    load: () => import("./commands/queue_delete.ts"),
  },
  "job why": {
    summary: "tell why jobs do not run",
    load: () => import("./commands/job_why.ts"),
  },
  "worker list": {
    summary: "list workers",
    load: () => import("./commands/worker_list.ts"),
  },
  "schedule list": {
    summary: "list all schedules",
    load: () => import("./commands/schedule_list.ts"),
  },
  "schedule runs": {
    summary: "list what came of the last runs of a schedule",
    load: () => import("./commands/schedule_runs.ts"),
  },
  "schedule pause": {
    summary: "let schedules rest",
    load: () => import("./commands/schedule_pause.ts"),
  },
  "schedule resume": {
    summary: "let paused schedules go on",
    load: () => import("./commands/schedule_resume.ts"),
  },
  "schedule run": {
    summary: "make the jobs of schedules now",
    load: () => import("./commands/schedule_run.ts"),
  },
  "schedule remove": {
    summary: "remove schedules",
    load: () => import("./commands/schedule_remove.ts"),
  },
  "top": {
    summary: "show queues and workers on the whole terminal, live",
    load: () => import("./commands/top.ts"),
  },
  "doctor": {
    summary: "find what is wrong, and mend what is left of jobs that are gone",
    load: () => import("./commands/doctor.ts"),
  },
  "help": {
    summary: "show this, or the flags of a command",
    load: () => import("./commands/help.ts"),
  },
  "completions": {
    summary: "print what makes a shell complete this program",
    load: () => import("./commands/completions.ts"),
  },
};

/** What is run if no command is named, as in `rq-worker high low`. */
const DEFAULT = "worker";

/** All commands, with what they do. */
export const COMMAND_LIST: readonly Listed[] = Object.entries(COMMANDS).map(
  ([name, { summary }]) => ({ name, summary }),
);

/** Loads all commands, for those who show them all. */
export async function loadCommands(): Promise<LoadedCommand[]> {
  return await Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary, load }]) => {
      const { flags } = (await load()).command;
      return { name, summary, flags };
    }),
  );
}

/** A command with its flags. */
export interface LoadedCommand extends Listed {
  readonly flags: readonly Flag[];
}

/** A command as it was called. */
export interface Called extends Listed {
  /** The arguments without its name. */
  readonly args: readonly string[];
  /** Whether it was named. */
  readonly isNamed: boolean;
  load(): Promise<{ readonly command: Command }>;
}

/** The help for words that begin commands and name none, as in `job --help`. */
export interface GroupHelp {
  readonly help: string;
}

/**
 * Finds the command of a command line. Only the flags that all commands share may stand before its name: what others
 * mean depends on the command.
 *
 * @throws {UsageError} If a command of two words has no such second word.
 */
export function findCommand(args: readonly string[]): Called | GroupHelp {
  const at = firstWord(args);
  const [first = "", second = ""] = args.slice(at);
  const name = `${first} ${second}`;
  if (Object.hasOwn(COMMANDS, name)) {
    return called(name, args.toSpliced(at, 2), true);
  }
  if (Object.hasOwn(COMMANDS, first)) {
    return called(first, args.toSpliced(at, 1), true);
  }
  if (!isGroup(first)) return called(DEFAULT, args, false);
  if (second === "--help" || second === "-h") {
    return { help: usageOfAll(inGroup(first)) };
  }
  throw unknownCommand(first, second);
}

/** Whether a word is a command, or begins some. */
export function isCommandWord(word: string): boolean {
  return Object.hasOwn(COMMANDS, word) || isGroup(word);
}

function called(
  name: string,
  args: readonly string[],
  isNamed: boolean,
): Called {
  return { name, args, isNamed, ...COMMANDS[name]! };
}

/** Where the first argument stands that is neither a flag that all commands share nor its value. */
function firstWord(args: readonly string[]): number {
  let at = 0;
  for (;;) {
    const [spelled = ""] = (args[at] ?? "").split("=", 1);
    const flag = COMMON_FLAGS.find(({ name, short }) =>
      spelled === `--${name}` || spelled === `-${short}`
    );
    if (flag === undefined) return at;
    at += flag.value === undefined || args[at]!.includes("=") ? 1 : 2;
  }
}

function isGroup(word: string): boolean {
  return word !== "" && inGroup(word).length > 0;
}

function inGroup(word: string): Listed[] {
  return COMMAND_LIST.filter(({ name }) => name.startsWith(`${word} `));
}

function unknownCommand(group: string, second: string): UsageError {
  const words = inGroup(group).map(({ name }) => name.split(" ")[1]!);
  const known = `${group} ${words.join("|")}`;
  const queue = `if it is a queue, use --queues ${group}`;
  if (second === "") {
    return new UsageError(`${group} needs a word more: ${known}; ${queue}`);
  }
  const like = nearest(second, words);
  const hint = like === undefined ? "." : `, did you mean ${group} ${like}?`;
  return new UsageError(
    `Unknown command "${group} ${second}"${hint} There is ${known}; ${queue}`,
  );
}
