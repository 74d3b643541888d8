/**
 * The command `watch`.
 *
 * @module
 */

import { watchJobs } from "../../queue/watch_jobs.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { eventPieces, timeText } from "../event_text.ts";
import { fromFlags } from "../flags.ts";
import { styled } from "../output.ts";

/** Shows what happens to the jobs of queues, as it happens. */
export const command: Command = defineCommand({
  args: "[QUEUES…]",
  about: [
    "Of all queues if none is named. It goes on until Ctrl-C. What Python programs do is not shown. With --json, each event is a line.",
  ],
  flags: { json: JSON_FLAG },
  async run({ args, flags, connection, out }) {
    const events = watchJobs({ ...connection, queues: args });
    for (;;) {
      const { value: event, done } = await fromFlags(() => events.next());
      if (done) return;
      if (flags.json) await out.json(event);
      else if (event.type === "missed") await out.line(...eventPieces(event));
      else {
        const time = styled("dim", timeText(event.at));
        const { queue, jobId } = event;
        await out.line(time, ` ${queue}: ${jobId} `, ...eventPieces(event));
      }
    }
  },
});
