/**
 * The command `job why`.
 *
 * @module
 */

import { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { styled } from "../output.ts";

/** Tells why jobs do not run. */
export const command: Command = defineCommand({
  args: "ID…",
  about: [
    "The queue is paused, no worker serves it, others come first, a rate limit or another job holds it back, it is not due, …",
  ],
  flags: { json: JSON_FLAG },
  async run({ args, flags, connection, out }) {
    if (args.length === 0) throw new UsageError("No job is named");
    for (const id of args) {
      const job = await fromFlags(() => Job.fetch(id, connection));
      const why = await job.explain();
      if (flags.json) {
        await out.json(why);
        continue;
      }
      await out.line(`${id}: `, styled("bold", why.status ?? "no status"));
      for (const { text } of why.reasons) await out.line(`  ${text}`);
    }
  },
});
