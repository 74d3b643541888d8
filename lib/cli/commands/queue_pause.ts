/**
 * The command `queue pause`.
 *
 * @module
 */

import { Queue } from "../../queue/queue.ts";
import { type Command, defineCommand } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";

/** Keeps workers from taking jobs of some queues. */
export const command: Command = defineCommand({
  args: "QUEUES…",
  about: [
    "What runs goes on, and jobs can be enqueued. Python's workers know no paused queues; `suspend` holds for them, too.",
  ],
  flags: {
    for: {
      value: "TIME",
      kind: "duration",
      help: "for how long (default: until queue resume)",
    },
  },
  async run({ args, flags, connection, out }) {
    if (args.length === 0) throw new UsageError("Name the queues to pause");
    const queues = fromFlags(() =>
      args.map((name) => new Queue(name, connection))
    );
    const span = flags.for === undefined ? "" : ` for ${flags.for} seconds`;
    for (const queue of queues) {
      await queue.pause({ for: flags.for ?? Infinity });
      await out.line(`${queue.name}: paused${span}`);
    }
  },
});
