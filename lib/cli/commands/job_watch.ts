/**
 * The command `job watch`.
 *
 * @module
 */

import type { JobStatus } from "../../job/status.ts";
import { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { eventPieces, timeText } from "../event_text.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { styled } from "../output.ts";

/** Shows what happens to a job until it has ended. */
export const command: Command = defineCommand({
  args: "ID",
  about: [
    "It shows the job's status, progress and log. The exit code is 0 if the job has finished, else 1. With --json, each event is a line.",
  ],
  flags: { json: JSON_FLAG },
  async run({ args, flags, connection, out }) {
    const [id, ...others] = args;
    if (id === undefined || others.length > 0) {
      throw new UsageError("Name one job");
    }
    const job = await fromFlags(() => Job.fetch(id, connection));
    let status: JobStatus | null = null;
    for await (const event of job.watch()) {
      if (event.type === "status") status = event.status;
      if (flags.json) await out.json(event);
      else {
        const time = styled("dim", timeText(event.at));
        await out.line(time, " ", ...eventPieces(event));
      }
    }
    return status === "finished" ? 0 : 1;
  },
});
