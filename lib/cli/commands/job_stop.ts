/**
 * The command `job stop`.
 *
 * @module
 */

import { InvalidJobOperationError, NoSuchJobError } from "../../base/errors.ts";
import { checkJobId } from "../../job/names.ts";
import { Job } from "../../queue/job.ts";
import { hostname } from "../../worker/hostname.ts";
import { type Command, defineCommand } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { styled } from "../output.ts";

/** Stops running jobs, and waits until they have stopped. */
export const command: Command = defineCommand({
  args: "IDS…",
  about: ["A stopped job keeps its retries, and `job requeue` puts it back."],
  flags: {
    reason: { value: "TEXT", help: "why; it is stored with the job" },
    by: { value: "NAME", help: "who stops it (default: this user)" },
    timeout: {
      value: "TIME",
      kind: "duration",
      help: "wait no longer; the jobs are still going to be stopped",
    },
  },
  async run({ args, flags, connection, out, signal }) {
    if (args.length === 0) throw new UsageError("Name the jobs to stop");
    // Before any is stopped, since an error ends the command.
    for (const id of args) fromFlags(() => checkJobId(id));
    const { reason, timeout, by = user() } = flags;
    const options = {
      signal,
      ...(by === undefined ? {} : { by }),
      ...(reason === undefined ? {} : { reason }),
      ...(timeout === undefined ? {} : { timeout }),
    };
    const stops = await Promise.all(args.map(async (id) => {
      try {
        const job = await Job.fetch(id, connection);
        await job.stop(options);
        return { id };
      } catch (error) {
        if (!isAnswer(error)) throw error;
        return { id, error: error.message };
      }
    }));
    for (const { id, error } of stops) {
      if (error === undefined) await out.line(`${id}: stopped`);
      else await out.line(`${id}: `, styled("red", error));
    }
    return stops.some(({ error }) => error !== undefined) ? 1 : 0;
  },
});

/** Whether it says what became of this job, so that the others go on. */
function isAnswer(error: unknown): error is Error {
  return error instanceof InvalidJobOperationError ||
    error instanceof NoSuchJobError ||
    error instanceof DOMException && error.name === "TimeoutError";
}

/** Who runs this program, if it may know. */
function user(): string | undefined {
  for (const variable of ["USER", "LOGNAME", "USERNAME"]) {
    const allowed = Deno.permissions.querySync({ name: "env", variable });
    const name = allowed.state === "granted" ? Deno.env.get(variable) : "";
    if (name) return `${name}@${hostname()}`;
  }
  return undefined;
}
