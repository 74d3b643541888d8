/**
 * Decides which waiting calls go into one pipeline.
 *
 * @module
 */

import type { Call } from "./call.ts";

/** The most bytes of a pipeline of several calls. */
const MAX_BATCH_BYTES = 1 << 20;

/** After so many lost connections in company, a call is sent alone, to find out whether it is the cause. */
const LOSSES_TOGETHER = 2;

/** Removes the next pipeline from the front of `waiting`, and drops calls that are settled. */
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
