/**
 * What the commands that change schedules share.
 *
 * @module
 */

import { Schedules } from "../queue/schedules.ts";
import { type Command, defineCommand, YES_FLAG } from "./command.ts";
import { fromFlags, UsageError } from "./flags.ts";

/** A change of schedules. */
export interface ScheduleChange {
  readonly about?: readonly string[];
  /** What is asked before, about the names of the schedules; nothing is asked without it. */
  readonly question?: string;
  /** Changes one, and returns what is printed. */
  change(schedules: Schedules, name: string): Promise<string>;
}

/** A command that changes the schedules of some names, one after the other; the first that cannot be changed ends it. */
export function scheduleCommand(spec: ScheduleChange): Command {
  const { about = [], question } = spec;
  return defineCommand({
    args: "NAMES…",
    about,
    flags: question === undefined ? {} : { yes: YES_FLAG },
    async run({ args, flags, connection, out, confirm }) {
      if (args.length === 0) {
        throw new UsageError("It needs the name of a schedule");
      }
      if (question !== undefined) {
        const { yes } = flags as { readonly yes: boolean };
        await confirm(`${question} ${args.join(", ")}?`, yes);
      }
      await using schedules = new Schedules(connection);
      for (const name of args) {
        await out.line(await fromFlags(() => spec.change(schedules, name)));
      }
    },
  });
}
