/** The command `schedule resume`. @module */

import type { Command } from "../command.ts";
import { scheduleCommand } from "../schedule_command.ts";
import { dateText } from "../time_text.ts";

/** Lets paused schedules go on. */
export const command: Command = scheduleCommand({
  about: ["The runs of the pause are left out."],
  async change(schedules, name) {
    await schedules.resume(name);
    const next = (await schedules.get(name))?.nextRun ?? null;
    return `${name} runs next at ${dateText(next)}`;
  },
});
