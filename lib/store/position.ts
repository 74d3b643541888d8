/** Where a job is on its queue. @module */

import type { RedisReply } from "../redis/redis_client.ts";
import type { JobStore } from "./job_store.ts";
import { noWrongType, texts } from "./replies.ts";

/** How many ids one call compares, which takes Redis some 1.5 ms. */
const COMPARED = 100_000;
/** How many ids one call reads. */
const READ = 5_000;

const RESEND = { resend: true } as const;

/**
 * How many jobs are before a job on its queue's list; `null` if it is not there.
 *
 * Redis can search from either end of a list, but not in the middle. So what is far from both ends is read in pages, from
 * the tail on, counted from the tail: jobs that are taken from the head meanwhile, or come at the tail, then hide nothing.
 */
export async function positionOf(
  store: JobStore,
  queue: string,
  id: string,
): Promise<number | null> {
  const head = await search(store, queue, id, 1, COMPARED);
  if (head !== null) return head;
  const tail = await search(store, queue, id, -1, COMPARED);
  if (tail !== null) return tail;
  const key = store.keys.queue(queue);
  for (let end = -COMPARED;; end -= READ) {
    const args = [key, end - READ, end];
    const ids = texts(await send(store, "LRANGE", args) ?? []);
    const at = ids.lastIndexOf(id);
    if (at >= 0) {
      const before = await send(store, "LLEN", [key]);
      // Negative indexes count from the tail; the page is shorter where the list begins.
      return Math.max(0, Number(before) + end - (ids.length - 1 - at));
    }
    if (ids.length <= READ) return null;
  }
}

/** Searches from the head (`rank` 1) or from the tail (-1). */
async function search(
  store: JobStore,
  queue: string,
  id: string,
  rank: 1 | -1,
  most: number,
): Promise<number | null> {
  const args = [
    ...[store.keys.queue(queue), id],
    ...["RANK", rank, "MAXLEN", most],
  ];
  const index = await send(store, "LPOS", args);
  return index === null ? null : Number(index);
}

function send(
  { client }: JobStore,
  command: string,
  args: readonly (string | number)[],
): Promise<RedisReply> {
  return noWrongType(client.send(command, args, RESEND));
}
