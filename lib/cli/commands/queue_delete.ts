/**
 * The command `queue delete`.
 *
 * @module
 */

import { Queue } from "../../queue/queue.ts";
import { type Command, defineCommand, YES_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";

/** Deletes queues, with the jobs that wait on them. */
export const command: Command = defineCommand({
  args: "QUEUES…",
  about: [
    "What runs, is scheduled or has ended stays. A queue that is used again is a new one.",
  ],
  flags: {
    keepJobs: { help: "leave the waiting jobs, which nobody will run then" },
    yes: YES_FLAG,
  },
  async run({ args, flags, connection, out, confirm }) {
    if (args.length === 0) throw new UsageError("Name the queues to delete");
    const queues = fromFlags(() =>
      args.map((name) => new Queue(name, connection))
    );
    const counts = await Promise.all(queues.map((queue) => queue.count()));
    const waiting = counts.reduce((sum, count) => sum + count, 0);
    const jobs = flags.keepJobs
      ? `leave its ${waiting} waiting jobs to nobody`
      : `delete its ${waiting} waiting jobs`;
    const which = args.length === 1
      ? `queue ${args[0]} and ${jobs}`
      : `${args.length} queues and ${jobs.replace("its", "their")}`;
    await confirm(`Delete ${which}?`, flags.yes);
    for (const queue of queues) {
      await queue.delete({ deleteJobs: !flags.keepJobs });
      await out.line(`${queue.name}: deleted`);
    }
  },
});
