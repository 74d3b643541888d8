/**
 * The command `job logs`.
 *
 * @module
 */

import { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { styled } from "../output.ts";
import { dateText } from "../time_text.ts";

/** Shows what a job has logged, and what it has printed. */
export const command: Command = defineCommand({
  args: "ID",
  about: [
    "A job logs by currentJob.log(). What it prints is there if its worker has --capture-logs. With --json, each line is a line of JSON.",
  ],
  flags: {
    follow: { short: "f", help: "go on until the job has ended" },
    timestamps: { short: "t", help: "show when each line was stored" },
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const [id, ...others] = args;
    if (id === undefined || others.length > 0) {
      throw new UsageError("Name one job");
    }
    const job = await fromFlags(() => Job.fetch(id, connection));
    for await (const line of job.logs({ follow: flags.follow })) {
      if (flags.json) {
        await out.json(line);
        continue;
      }
      const { at, source, text } = line;
      const time = flags.timestamps ? [styled("dim", dateText(at)), " "] : [];
      await out.line(
        ...time,
        source === "stderr" ? styled("yellow", text) : text,
      );
    }
  },
});
