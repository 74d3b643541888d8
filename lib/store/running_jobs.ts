/** What is shown of many jobs that run: not their arguments, which may be large. @module */

import { parseDate } from "../base/date.ts";
import type { JobStore } from "./job_store.ts";
import { list, noWrongType } from "./replies.ts";

/** What a job is, in a line. */
export interface RunningJob {
  readonly id: string;
  /** As logs show it; empty if it is not known. */
  readonly description: string;
  readonly startedAt: Date | null;
}

/** Reads what is shown of jobs, in their order. */
export async function runningJobs(
  { client, keys }: JobStore,
  ids: readonly string[],
): Promise<RunningJob[]> {
  return await Promise.all(ids.map(async (id) => {
    const fields = ["description", "started_at"];
    const reply = await noWrongType(
      client.send("HMGET", [keys.job(id), ...fields], { resend: true }),
    );
    const [description, startedAt] = list(reply);
    return {
      id,
      description: typeof description === "string" ? description : "",
      startedAt: parseDate(
        typeof startedAt === "string" ? startedAt : undefined,
      ),
    };
  }));
}
