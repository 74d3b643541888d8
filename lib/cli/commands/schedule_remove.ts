/** The command `schedule remove`. @module */

import { NoSuchScheduleError } from "../../base/errors.ts";
import type { Command } from "../command.ts";
import { scheduleCommand } from "../schedule_command.ts";

/** Removes schedules. */
export const command: Command = scheduleCommand({
  about: [
    "Their jobs stay. One that a file declares comes back when a program reads the file again.",
  ],
  question: "Remove",
  async change(schedules, name) {
    if (await schedules.remove(name)) return `${name} is removed`;
    throw new NoSuchScheduleError(`There is no schedule "${name}"`, {
      schedule: name,
    });
  },
});
