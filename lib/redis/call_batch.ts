/**
 * Which of the waiting calls go together.
 *
 * @module
 */

import type { Call } from "./call.ts";

/** No pipeline goes past this many bytes, unless one command alone does. */
const MAX_BATCH_BYTES = 1 << 20;

/** After so many losses in the company of others, a call is sent alone, to know whether it is to blame. */
const LOSSES_TOGETHER = 2;

/** Takes the next pipeline off the front of what waits. What is settled is dropped. */
export function takeBatch(waiting: Call[], maxBatch: number): Call[] {
  if (waiting.length === 1 && !waiting[0]!.settled) return waiting.splice(0, 1);
  const batch: Call[] = [];
  let taken = 0;
  let bytes = 0;
  for (const call of waiting) {
    if (!call.settled) {
      bytes += call.size;
      const full = batch.length === maxBatch || bytes > MAX_BATCH_BYTES ||
        isSuspect(call) || isSuspect(batch[0]);
      if (full && batch.length > 0) break;
      batch.push(call);
    }
    taken++;
  }
  waiting.splice(0, taken);
  return batch;
}

function isSuspect(call: Call | undefined): boolean {
  return call !== undefined && call.losses >= LOSSES_TOGETHER;
}
