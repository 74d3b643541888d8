/**
 * The command `empty`, RQ's.
 *
 * @module
 */

import { Queue } from "../../queue/queue.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags } from "../flags.ts";

/** Deletes the waiting jobs of queues. As in RQ, it does not ask. */
export const command: Command = defineCommand({
  args: "[QUEUES…]",
  about: [
    "Jobs that run, or wait for a time or for other jobs, stay. As in RQ, nobody is asked.",
  ],
  flags: {
    all: { short: "a", help: "empty all queues" },
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const queues = flags.all
      ? await Queue.all(connection)
      : fromFlags(() => args.map((name) => new Queue(name, connection)));
    if (queues.length === 0 && !flags.json) await out.line("Nothing to do");
    const removed: { queue: string; removed: number }[] = [];
    for (const queue of queues) {
      const count = await queue.empty();
      removed.push({ queue: queue.name, removed: count });
      if (!flags.json) {
        await out.line(`${count} jobs removed from ${queue.name} queue`);
      }
    }
    if (flags.json) await out.json(removed);
  },
});
