/** The command `schedule run`. @module */

import type { Command } from "../command.ts";
import { scheduleCommand } from "../schedule_command.ts";

/** Makes the jobs of schedules now. */
export const command: Command = scheduleCommand({
  about: ["Paused ones too. Their next runs stay when they were."],
  async change(schedules, name) {
    const { id, origin } = await schedules.runNow(name);
    return `${name}: enqueued job ${id} on ${origin}`;
  },
});
