/** Behind `queue.jobs()`, `queue.cancelAll()` and `queue.deleteAll()`. @module */

import { chunks } from "../store/chunks.ts";
import {
  type BulkResult,
  cancelAll,
  candidatesOf,
  deleteAll,
  type Source,
} from "./bulk.ts";
import type { Context } from "./context.ts";
import { type Job, newJob } from "./job.ts";
import { checkFilter, type JobFilter, type JobMatcher } from "./job_filter.ts";
import { CHANGE_ALL_OPTIONS, type ChangeAllOptions } from "./job_registry.ts";

/** How many jobs are read at once. */
const PAGE = 100;

/** The waiting jobs of a queue that a filter means. */
export function waitingJobs(
  context: Context,
  queue: string,
  filter: JobFilter,
): AsyncGenerator<Job> {
  const matcher = checkFilter(filter, `Cannot list jobs of queue "${queue}"`);
  return jobsOf(context, sourceOf(context, queue), matcher);
}

/** Cancels or deletes those that a filter means. */
export async function changeWaiting(
  context: Context,
  queue: string,
  verb: "cancel" | "delete",
  options: ChangeAllOptions,
): Promise<BulkResult> {
  const action = `Cannot ${verb} jobs of queue "${queue}"`;
  const matcher = await checkFilter(options, action, CHANGE_ALL_OPTIONS)();
  const change = verb === "cancel" ? cancelAll : deleteAll;
  return await change(
    context.store,
    sourceOf(context, queue, { listLast: true }),
    matcher,
    options,
  );
}

function sourceOf(
  { store }: Context,
  queue: string,
  order: { readonly listLast?: boolean } = {},
): Source {
  return {
    queue,
    key: store.keys.queue(queue),
    isList: true,
    statuses: ["queued", "rate_limited"],
    count: () => store.count(queue),
    async *pages() {
      for await (const ids of store.jobIdPages(queue, order)) {
        yield ids.map((id) => ({ id, score: NaN }));
      }
    },
  };
}

async function* jobsOf(
  context: Context,
  source: Source,
  filter: () => Promise<JobMatcher>,
): AsyncGenerator<Job> {
  const { store } = context;
  const matcher = await filter();
  for await (const page of source.pages()) {
    for (const entries of chunks(page, PAGE)) {
      const candidates = await candidatesOf(store, source, entries);
      for (const { record } of await matcher.choose(store, candidates)) {
        yield newJob(record.id, context, () => record);
      }
    }
  }
}
