/** How many jobs are where, for those who look at all queues at once. @module */

import type { JobStore } from "./job_store.ts";
import { list } from "./replies.ts";
import { QUEUE_COUNTS } from "./scripts/queue_counts.ts";
import { waitingTurns } from "./turns.ts";

/** How many jobs of a queue are where. */
export interface QueueCounts {
  readonly name: string;
  /** Those that wait on it, those included that wait for the turn of their fair key. */
  readonly count: number;
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  readonly deferred: number;
  readonly scheduled: number;
  readonly canceled: number;
}

/** How many queues one call counts, and how many numbers it gives for each. */
const BATCH = 50;
const NUMBERS = 8;

const RESEND = { resend: true } as const;

/** Counts the jobs of queues, in their order. */
export async function queueCounts(
  store: JobStore,
  names: readonly string[],
): Promise<QueueCounts[]> {
  const batches: Promise<QueueCounts[]>[] = [];
  for (let i = 0; i < names.length; i += BATCH) {
    batches.push(countSome(store, names.slice(i, i + BATCH)));
  }
  return (await Promise.all(batches)).flat();
}

async function countSome(
  store: JobStore,
  names: readonly string[],
): Promise<QueueCounts[]> {
  const { client, keys } = store;
  const reply = await QUEUE_COUNTS.run(
    client,
    names.map((name) => keys.queue(name)),
    [keys.prefix, ...names],
    RESEND,
  );
  const numbers = list(reply).map(Number);
  return await Promise.all(names.map(async (name, i) => {
    const of = numbers.slice(i * NUMBERS, (i + 1) * NUMBERS);
    const [queued = 0, started = 0, finished = 0, failed = 0] = of;
    const [deferred = 0, scheduled = 0, canceled = 0, limits = 0] = of.slice(4);
    let count = queued;
    if (limits > 0) {
      for (const waiting of (await waitingTurns(store, name)).values()) {
        count += waiting;
      }
    }
    const counts = { count, started, finished, failed };
    return { name, ...counts, deferred, scheduled, canceled };
  }));
}
