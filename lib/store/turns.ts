/**
 * Jobs that wait for the turn of their fair key: who they are, and giving on turns. See `lua/turns.ts`.
 *
 * @module
 */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list, texts } from "./replies.ts";
import { DROP_TURNS } from "./scripts/drop_turns.ts";
import { PASS_TURNS } from "./scripts/pass_turns.ts";
import { WAITING_TURNS } from "./scripts/waiting_turns.ts";

/** How many limits one call looks at, how many jobs it takes off, and how many ids it reads: so many take Redis a millisecond or two. */
const BATCH = { pass: 100, look: 1_000, drop: 500, read: 5_000 } as const;

const RESEND = { resend: true } as const;

/** Where the queues are. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** What one call has done. */
export interface Passed {
  /** Where to go on; `"0"` if all have been looked at. */
  readonly cursor: string;
  /** How many jobs got the turn of their key. */
  readonly passed: number;
  /** How many wait while it is the turn of a job that is queued. */
  readonly waiting: number;
}

/** Gives on turns of a queue that nobody has given on, from a cursor on. */
export async function passTurns(
  { client, keys }: Place,
  queue: string,
  cursor: string,
): Promise<Passed> {
  const reply = await PASS_TURNS.run(
    client,
    [keys.fair(queue), keys.queue(queue), keys.intermediate(queue)],
    [keys.prefix, queue, cursor, BATCH.pass],
    RESEND,
  );
  const [next = "0", passed, waiting] = texts(reply);
  return { cursor: next, passed: Number(passed), waiting: Number(waiting) };
}

/** Gives on turns of a queue until some job has got one, or all have been looked at; returns how many did, or wait. */
export async function passSome(
  place: Place,
  queue: string,
): Promise<Omit<Passed, "cursor">> {
  let waiting = 0;
  let cursor = "0";
  do {
    const some = await passTurns(place, queue, cursor);
    if (some.passed > 0) return some;
    waiting += some.waiting;
    cursor = some.cursor;
  } while (cursor !== "0");
  return { passed: 0, waiting };
}

/** By which limits jobs of a queue wait for their turn, and how many; sorted by name. */
export async function waitingTurns(
  { client, keys }: Place,
  queue: string,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let cursor = "0";
  do {
    const args = [keys.prefix, cursor, BATCH.look];
    const reply = await WAITING_TURNS.run(
      client,
      [keys.fair(queue)],
      args,
      RESEND,
    );
    const [next = "0", ...pairs] = list(reply).map(String);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      counts.set(pairs[i]!, Number(pairs[i + 1]));
    }
    cursor = next;
  } while (cursor !== "0");
  return new Map([...counts].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Ids of jobs that wait for their turn, in the order in which the keys will take turns: the first of each, then the second… */
export async function waitingIds(
  place: Place,
  queue: string,
  offset: number,
  length: number,
): Promise<string[]> {
  const counts = await waitingTurns(place, queue);
  const rounds = roundsOf(counts, length < 0 ? Infinity : offset + length);
  const { client, keys } = place;
  const lists = await Promise.all(
    rounds.map(({ turn, count }) =>
      firstMembers(client, keys.rateLimited(turn), count)
    ),
  );
  const ids: string[] = [];
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
  for (let i = 0; i < longest; i++) {
    for (const one of lists) if (i < one.length) ids.push(one[i]!);
  }
  return ids.slice(offset, length < 0 ? undefined : offset + length);
}

/** The first members of a sorted set, in parts: one call must not hold up Redis. */
async function firstMembers(
  client: RedisClient,
  key: string,
  count: number,
): Promise<string[]> {
  const members: string[] = [];
  for (let from = 0; from < count; from += BATCH.read) {
    const to = Math.min(count, from + BATCH.read) - 1;
    const args = [key, from, to];
    members.push(...texts(await client.send("ZRANGE", args, RESEND)));
  }
  return members;
}

/** How many jobs of each limit are among the first `most`. */
function roundsOf(
  counts: ReadonlyMap<string, number>,
  most: number,
): { readonly turn: string; readonly count: number }[] {
  const all = [...counts].map(([turn, count]) => ({ turn, count }));
  if (all.length >= most) {
    return all.slice(0, most).map(({ turn }) => ({ turn, count: 1 }));
  }
  return all.map(({ turn, count }) => ({ turn, count: Math.min(count, most) }));
}

/** Takes all jobs that wait for their turn off a queue; the jobs themselves stay. */
export async function dropTurns(
  { client, keys }: Place,
  queue: string,
): Promise<void> {
  const args = [keys.prefix, queue, BATCH.drop];
  while (
    await DROP_TURNS.run(client, [keys.fair(queue)], args, RESEND) === 1
  );
}
