/** Behind `queue.jobsByTag()`. @module */

import { taggedJobs } from "../store/tagged_jobs.ts";
import type { Context } from "./context.ts";
import { type Job, newJob } from "./job.ts";

/** The jobs of a queue with a tag. */
export async function* jobsByTag(
  context: Context,
  queue: string,
  tag: string,
): AsyncGenerator<Job> {
  for await (const record of taggedJobs(context.store, queue, tag)) {
    yield newJob(record.id, context, () => record);
  }
}
