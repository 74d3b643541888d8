/** Changing many jobs, page by page. @module */

import type { JobStatus } from "../job/status.ts";
import {
  BULK_BATCH,
  cancelMany,
  deleteMany,
  requeueMany,
} from "../store/bulk.ts";
import type { JobStore } from "../store/job_store.ts";
import { chunks } from "../store/chunks.ts";
import { type Candidate, type JobMatcher, statusOf } from "./job_filter.ts";

/** How far a call on many jobs has come. */
export interface BulkProgress {
  /** How many jobs it has changed. */
  readonly done: number;
  /** How many it was to change and could not. */
  readonly refused: number;
  /** How many it has looked at. */
  readonly looked: number;
  /** How many there were when it began. */
  readonly total: number;
}

/** What a call on many jobs has done. */
export interface BulkResult extends BulkProgress {
  /** Whether it has looked at all; not if its `signal` was aborted. The same call goes on with what is left. */
  readonly complete: boolean;
  /** Why it could not change jobs: of the first twenty, a line each. */
  readonly refusals: readonly string[];
}

/** Options of a call on many jobs. */
export interface BulkOptions {
  /** Ends it after the batch that is on its way: the call then resolves with how far it has come. */
  readonly signal?: AbortSignal;
  /** Called after each batch of some ten jobs. */
  readonly onProgress?: (progress: BulkProgress) => void;
}

/** Past how many ids of a list one call may walk, which takes Redis a few milliseconds. */
const MOST_STEPS = 400_000;

/** How many lines `refusals` has at most. */
const MOST_REFUSALS = 20;

/** Where the jobs of a call are. */
export interface Source {
  readonly queue: string;
  /** The key of their registry, or of the queue's list. */
  readonly key: string;
  /** Whether that is a list. */
  readonly isList?: boolean;
  /** The statuses of those that belong there. */
  readonly statuses: readonly JobStatus[];
  /** How many there are. */
  count(): Promise<number>;
  /** Their ids, and scores if they have them. */
  pages(): AsyncIterable<readonly Entry[]>;
}

/** One job of a source. */
export interface Entry {
  readonly id: string;
  readonly score: number;
}

/** The jobs among some entries that belong to a source; one request each, sent together. */
export async function candidatesOf(
  store: JobStore,
  { queue, statuses }: Pick<Source, "queue" | "statuses">,
  entries: readonly Entry[],
): Promise<Candidate[]> {
  const records = await Promise.all(entries.map(({ id }) => store.fetch(id)));
  const candidates: Candidate[] = [];
  for (const [i, record] of records.entries()) {
    if (record === null || (record.text("origin") ?? queue) !== queue) continue;
    const status = statusOf(record);
    if (status === null || !statuses.includes(status)) continue;
    candidates.push({ record, score: entries[i]!.score });
  }
  return candidates;
}

/** What became of one batch. */
interface Batch {
  readonly done: number;
  readonly refusals?: readonly string[];
}

/** Changes the jobs of a source that are meant, in batches. */
async function changeAll(
  store: JobStore,
  source: Source,
  matcher: JobMatcher,
  change: (ids: readonly string[]) => Promise<Batch>,
  { signal, onProgress }: BulkOptions,
): Promise<BulkResult> {
  const progress = { done: 0, refused: 0, looked: 0, total: 0 };
  const refusals: string[] = [];
  const ended = (complete: boolean) => ({ ...progress, complete, refusals });
  if (signal?.aborted) return ended(false);
  progress.total = await source.count();
  for await (const page of source.pages()) {
    for (const entries of chunks(page, BULK_BATCH)) {
      if (signal?.aborted) return ended(false);
      const ids = await chosen(store, source, matcher, entries);
      const size = batchSize(source, progress.looked - progress.done);
      for (const batch of chunks(ids, size)) {
        const { done, refusals: more = [] } = await change(batch);
        progress.done += done;
        progress.refused += more.length;
        refusals.push(...more.slice(0, MOST_REFUSALS - refusals.length));
      }
      progress.looked += entries.length;
      onProgress?.({ ...progress });
    }
  }
  return ended(true);
}

/** How many jobs one call takes: to take one off a list, Redis walks past all that stay in front of it. */
function batchSize({ isList = false }: Source, ahead: number): number {
  const size = isList ? Math.floor(MOST_STEPS / (ahead + 1)) : BULK_BATCH;
  return Math.max(1, Math.min(size, BULK_BATCH));
}

async function chosen(
  store: JobStore,
  source: Source,
  matcher: JobMatcher,
  entries: readonly Entry[],
): Promise<string[]> {
  if (matcher.takesAll) return entries.map(({ id }) => id);
  const candidates = await candidatesOf(store, source, entries);
  const meant = await matcher.choose(store, candidates);
  return meant.map(({ record }) => record.id);
}

/** Requeues the jobs of a source that are meant, each once. */
export function requeueAll(
  store: JobStore,
  source: Source,
  matcher: JobMatcher,
  options: BulkOptions & { readonly atFront?: boolean },
): Promise<BulkResult> {
  const { atFront = false } = options;
  const token = crypto.randomUUID();
  let call = 0;
  return changeAll(store, source, matcher, async (ids) => {
    const run = { token, call: ++call, atFront };
    const answers = await requeueMany(store, source, ids, run);
    const refusals: string[] = [];
    for (const { id, what, detail, uniqueKey } of answers) {
      if (what === "held") {
        refusals.push(
          `${id}: its unique key "${uniqueKey}" is held by job "${detail}" by now`,
        );
      } else if (what === "unfit") {
        refusals.push(`${id}: a key of its queue holds another type of value`);
      }
    }
    const done = answers.filter(({ what }) => what === "requeued").length;
    return { done, refusals };
  }, options);
}

/** Deletes the jobs of a source that are meant. */
export function deleteAll(
  store: JobStore,
  source: Source,
  matcher: JobMatcher,
  options: BulkOptions,
): Promise<BulkResult> {
  return changeAll(store, source, matcher, async (ids) => {
    return { done: await deleteMany(store, source, ids) };
  }, options);
}

/** Cancels the jobs of a source that are meant. */
export function cancelAll(
  store: JobStore,
  source: Source,
  matcher: JobMatcher,
  options: BulkOptions,
): Promise<BulkResult> {
  return changeAll(store, source, matcher, async (ids) => {
    return { done: await cancelMany(store, source, ids) };
  }, options);
}
