/**
 * The command `job show`.
 *
 * @module
 */

import { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { jobFacts, printJob } from "../job_view.ts";

/** Shows all that is known of jobs. */
export const command: Command = defineCommand({
  args: "ID…",
  about: [
    "It shows what the jobs call, where they are, what they wait for, and how each attempt ended.",
  ],
  flags: {
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    if (args.length === 0) throw new UsageError("No job is named");
    for (const [i, id] of args.entries()) {
      const facts = await jobFacts(
        await fromFlags(() => Job.fetch(id, connection)),
      );
      if (flags.json) await out.json(facts);
      else {
        if (i > 0) await out.line();
        await printJob(facts, out);
      }
    }
  },
});
