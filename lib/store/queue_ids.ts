/**
 * The ids of the jobs that wait on a queue: those of its list, then those that wait for the turn of their fair key. They are
 * read in pages, since Redis does nothing else while it reads.
 *
 * @module
 */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { sortedSetPages } from "./registries.ts";
import { FAIR_PREFIX } from "../job/fair_key.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { waitingIds, waitingTurns } from "./turns.ts";

/** How many ids one call reads for {@linkcode queueIds}, which takes Redis a millisecond. */
const MANY = 10_000;
/** How many ids one page has for those who look at each job. */
const PAGE = 500;
/** How far from where it was an id is looked for first: so many others may leave or come meanwhile at no cost. */
const OVERLAP = 500;
/** About how many names of limits one call reads. */
const LIMITS = 200;
/** How many of the ids that were read last are remembered. */
const REMEMBERED = 5_000;

const RESEND = { resend: true } as const;

/** Where the queues are. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** How many ids are on a queue's list, and by how many limits its jobs take turns. */
export async function queueLengths(
  { client, keys }: Place,
  queue: string,
): Promise<{ readonly queued: number; readonly turns: number }> {
  const [queued, turns] = await Promise.all([
    client.send("LLEN", [keys.queue(queue)], RESEND),
    client.send("EXISTS", [keys.fair(queue)], RESEND),
  ]);
  return { queued: Number(queued), turns: Number(turns) };
}

/** So many ids from an offset on, -1 for all. What is read in several calls may change between them. */
export async function queueIds(
  place: Place,
  queue: string,
  offset: number,
  length: number,
): Promise<string[]> {
  if (length === 0) return [];
  const most = length < 0 ? Infinity : length;
  const { queued, turns } = await queueLengths(place, queue);
  const ids: string[] = [];
  const walk = { offset, pageSize: Math.min(most, MANY) };
  for await (const page of listPages(place, queue, walk)) {
    ids.push(...page.slice(0, most - ids.length));
    if (ids.length === most) break;
  }
  if (turns === 0 || ids.length === most) return ids;
  const from = Math.max(0, offset - queued);
  const left = length < 0 ? -1 : length - ids.length;
  return [...ids, ...await waitingIds(place, queue, from, left)];
}

/**
 * The ids of all jobs that wait, in pages: those of the list; those that wait for a turn, key by key; those that wait for a
 * slot of a rate limit, among them some of other queues. Whoever takes jobs off a queue asks for those that are not on the
 * list first (`listLast`): each that leaves it may have another one come to its tail.
 */
export async function* queueIdPages(
  place: Place,
  queue: string,
  { listLast = false }: { readonly listLast?: boolean } = {},
): AsyncGenerator<string[]> {
  if (!listLast) yield* currentPages(place, queue);
  yield* turnPages(place, queue);
  yield* slotPages(place);
  if (listLast) yield* currentPages(place, queue);
}

/** As many ids of the list as it has now: on a busy queue there would be no end otherwise. */
async function* currentPages(
  place: Place,
  queue: string,
): AsyncGenerator<string[]> {
  let { queued } = await queueLengths(place, queue);
  for await (const page of listPages(place, queue, { pageSize: PAGE })) {
    if (queued === 0) return;
    const some = page.slice(0, queued);
    yield some;
    queued -= some.length;
  }
}

/** Those that wait for the turn of their fair key. */
async function* turnPages(
  place: Place,
  queue: string,
): AsyncGenerator<string[]> {
  const { turns } = await queueLengths(place, queue);
  if (turns === 0) return;
  for (const turn of (await waitingTurns(place, queue)).keys()) {
    yield* limitedPages(place, turn);
  }
}

/** Those of all queues that wait for a slot of a rate limit. */
async function* slotPages(place: Place): AsyncGenerator<string[]> {
  const { client, keys } = place;
  const seen = new Set<string>(); // SSCAN may return a limit twice
  let cursor = "0";
  do {
    const args = [keys.limits, cursor, "COUNT", LIMITS];
    const reply = await noWrongType(client.send("SSCAN", args, RESEND));
    const [next = "0", limits] = list(reply);
    cursor = String(next);
    for (const limit of texts(limits ?? [])) {
      if (seen.has(limit) || limit.startsWith(FAIR_PREFIX)) continue;
      seen.add(limit);
      yield* limitedPages(place, limit);
    }
  } while (cursor !== "0");
}

/** Those that a limit holds back. */
async function* limitedPages(
  place: Place,
  limit: string,
): AsyncGenerator<string[]> {
  const key = place.keys.rateLimited(limit);
  for await (const page of sortedSetPages(place, key)) {
    yield page.map(({ member }) => member);
  }
}

/**
 * The ids of a queue's list. When a page is asked for, others may have left in front of it or come at the head, so it begins
 * behind the last id that was read before and is still there.
 */
async function* listPages(
  { client, keys }: Place,
  queue: string,
  { offset = 0, pageSize }: { offset?: number; pageSize: number },
): AsyncGenerator<string[]> {
  const read: Read = async (from, count) => {
    const args = [keys.queue(queue), from, from + count - 1];
    return texts(await noWrongType(client.send("LRANGE", args, RESEND)));
  };
  const known = new Set<string>();
  for (let from = offset;;) {
    const page = await read(from, pageSize);
    if (page.length > 0) yield page;
    if (page.length < pageSize) return;
    remember(known, page);
    from = await unreadFrom(read, known, from + pageSize);
  }
}

/** Reads ids of a list. */
type Read = (from: number, count: number) => Promise<string[]>;

/** Where the ids begin that have not been read: behind the last known one, which was just before `next`. */
async function unreadFrom(
  read: Read,
  known: ReadonlySet<string>,
  next: number,
): Promise<number> {
  for (const [from, count] of windows(next)) {
    let start = from;
    for (let size = count;;) {
      const ids = await read(start, size);
      const at = ids.findLastIndex((id) => known.has(id));
      if (at < 0) break;
      start += at;
      if (at < size - 1) return start + 1;
      size = 2 * OVERLAP; // the known ones may go on behind this
    }
  }
  return 0; // all of them have left
}

/** Where to look for an id that was at a place: about there, behind it, then nearer and nearer to the head. */
function* windows(place: number): Generator<[from: number, count: number]> {
  let from = Math.max(0, place - OVERLAP);
  yield [from, place - from + OVERLAP];
  yield [place + OVERLAP, MANY];
  while (from > 0) {
    const end = from;
    from = Math.max(0, end - MANY);
    yield [from, end - from];
  }
}

/** Remembers ids, and forgets the oldest ones. */
function remember(known: Set<string>, ids: readonly string[]): void {
  for (const id of ids) known.add(id);
  for (const id of known) {
    if (known.size <= Math.max(REMEMBERED, ids.length)) return;
    known.delete(id);
  }
}
