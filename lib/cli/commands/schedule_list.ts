/** The command `schedule list`. @module */

import type { When } from "../../job/timetable.ts";
import type { Schedule } from "../../queue/schedule_info.ts";
import { Schedules } from "../../queue/schedules.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { type Piece, styled } from "../output.ts";
import { relativeText, spanText } from "../time_text.ts";

const HEADER = ["NAME", "WHEN", "NEXT", "LAST", "QUEUE", "FUNCTION"]
  .map((title) => styled("bold", title));

/** Lists all schedules, those that run next first. */
export const command: Command = defineCommand({
  flags: { json: JSON_FLAG },
  async run({ flags, connection, out }) {
    await using schedules = new Schedules(connection);
    const all = await schedules.all();
    if (flags.json) return await out.json(all);
    if (all.length === 0) return await out.line("There are no schedules");
    await out.table([HEADER, ...all.map(rowOf)]);
  },
});

function rowOf(schedule: Schedule): Piece[] {
  const { name, when, timeZone, lastRun, queue, funcName } = schedule;
  const zone = timeZone === null ? "" : ` (${timeZone})`;
  return [
    name,
    `${whenText(when)}${zone}`,
    nextOf(schedule),
    relativeText(lastRun),
    queue,
    funcName,
  ];
}

function nextOf({ error, paused, nextRun }: Schedule): Piece {
  if (error !== null) return styled("red", `never: ${error}`);
  return paused ? styled("yellow", "paused") : relativeText(nextRun);
}

function whenText(when: When): string {
  if (typeof when === "string") return when;
  return `every ${
    typeof when.every === "number" ? spanText(when.every) : when.every
  }`;
}
