/** The command `schedule pause`. @module */

import type { Command } from "../command.ts";
import { scheduleCommand } from "../schedule_command.ts";

/** Lets schedules rest. */
export const command: Command = scheduleCommand({
  about: ["Jobs that they have made already run."],
  async change(schedules, name) {
    await schedules.pause(name);
    return `${name} is paused`;
  },
});
