/** The command `job signal`. @module */

import { decodeJson } from "../../job/json.ts";
import { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";

/** Gives a job a signal for which it waits. */
export const command: Command = defineCommand({
  args: "ID NAME [JSON]",
  about: [
    "The job gets the value from currentJob.waitFor(NAME), now or when it comes to that. The first signal of a name counts.",
  ],
  flags: {
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const [id, name, text, ...others] = args;
    if (id === undefined || name === undefined || others.length > 0) {
      throw new UsageError("Expected an id, a name, and perhaps a value");
    }
    const value = text === undefined ? undefined : valueOf(text);
    const job = await fromFlags(() => Job.fetch(id, connection));
    const counts = await fromFlags(() => job.signal(name, value));
    if (flags.json) await out.json({ id, signal: name, counts });
    else if (counts) await out.line(`Job ${id} has the signal "${name}"`);
    else {
      await out.line(
        `Job ${id} had the signal "${name}" before, or no longer waits for it`,
      );
    }
    return counts ? 0 : 1;
  },
});

function valueOf(text: string): unknown {
  try {
    return decodeJson(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`Cannot read the value as JSON: ${cause.message}`, {
      cause,
    });
  }
}
