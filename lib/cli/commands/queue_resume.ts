/**
 * The command `queue resume`.
 *
 * @module
 */

import { Queue } from "../../queue/queue.ts";
import { type Command, defineCommand } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";

/** Ends the pause of some queues. */
export const command: Command = defineCommand({
  args: "QUEUES…",
  async run({ args, connection, out }) {
    if (args.length === 0) throw new UsageError("Name the queues to resume");
    const queues = fromFlags(() =>
      args.map((name) => new Queue(name, connection))
    );
    for (const queue of queues) {
      const wasPaused = await queue.resume();
      await out.line(
        `${queue.name}: ${wasPaused ? "resumed" : "was not paused"}`,
      );
    }
  },
});
