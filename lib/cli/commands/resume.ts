/**
 * The command `resume`, RQ's.
 *
 * @module
 */

import { resume } from "../../queue/suspension.ts";
import { type Command, defineCommand } from "../command.ts";

/** Ends what `suspend` has begun. */
export const command: Command = defineCommand({
  about: ["Queues that are paused stay so; see `queue resume`."],
  async run({ connection, out }) {
    const wereSuspended = await resume(connection);
    await out.line(
      wereSuspended ? "Resuming workers." : "Workers were not suspended.",
    );
  },
});
