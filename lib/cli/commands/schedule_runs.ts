/** The command `schedule runs`. @module */

import { NoSuchScheduleError } from "../../base/errors.ts";
import type { ScheduleRun } from "../../queue/schedule_info.ts";
import { Schedules } from "../../queue/schedules.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { type Piece, styled } from "../output.ts";
import { dateText } from "../time_text.ts";

const HEADER = ["AT", "PLANNED FOR", "OUTCOME", "JOB", ""]
  .map((title) => styled("bold", title));

/** Lists what came of the last runs of a schedule, the latest first. */
export const command: Command = defineCommand({
  args: "NAME",
  flags: {
    limit: { value: "N", kind: "count", help: "how many (default: 100)" },
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const [name, ...more] = args;
    if (name === undefined || more.length > 0) {
      throw new UsageError("It needs the name of one schedule");
    }
    await using schedules = new Schedules(connection);
    const { limit = 100 } = flags;
    const runs = await fromFlags(() => schedules.runs(name, { limit }));
    if (runs.length === 0 && await schedules.get(name) === null) {
      throw new NoSuchScheduleError(`There is no schedule "${name}"`, {
        schedule: name,
      });
    }
    if (flags.json) return await out.json(runs);
    await out.table([HEADER, ...runs.map(rowOf)]);
  },
});

function rowOf(run: ScheduleRun): Piece[] {
  const { at, slot, outcome, jobId, otherJobId, missedSince, error } = run;
  const isFine = outcome === "enqueued";
  return [
    dateText(at),
    slot === null ? "by hand" : dateText(slot),
    isFine ? outcome : styled("yellow", outcome),
    jobId ?? "-",
    [
      ...(otherJobId === null ? [] : [`job ${otherJobId} had not ended`]),
      ...(missedSince === null
        ? []
        : [`missed since ${dateText(missedSince)}`]),
      ...(error === null ? [] : [error]),
    ].join(", "),
  ];
}
