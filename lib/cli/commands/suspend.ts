/**
 * The command `suspend`, RQ's.
 *
 * @module
 */

import { suspend } from "../../queue/suspension.ts";
import { type Command, defineCommand } from "../command.ts";

/** Suspends all workers. */
export const command: Command = defineCommand({
  about: [
    "What runs goes on, and jobs can be enqueued. It holds for Python's workers, too. `queue pause` does so for one queue.",
  ],
  flags: {
    duration: {
      value: "TIME",
      kind: "duration",
      help: "for how long (default: until resume)",
    },
  },
  async run({ flags: { duration }, connection, out }) {
    await suspend({ ...connection, for: duration ?? Infinity });
    await out.line(
      duration === undefined
        ? "Suspending workers.  No new jobs will be started.  But current jobs will be completed"
        : `Suspending workers for ${duration} seconds.  No new jobs will be started during that time, but then will automatically resume`,
    );
  },
});
