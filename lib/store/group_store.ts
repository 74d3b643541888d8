/**
 * Groups in Redis: one function for each thing that can be done with one, in bounded calls.
 *
 * @module
 */

import type {
  RedisArg,
  RedisClient,
  RedisReply,
} from "../redis/redis_client.ts";
import { cancel, remove } from "./change_job.ts";
import { chunks } from "./chunks.ts";
import {
  GROUP_CALLBACKS,
  GROUP_COUNTS,
  type GroupCallback,
  INNER_GROUP,
  MAX_DEPTH,
} from "./group_rules.ts";
import type { Keys } from "./keys.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { CREATE_GROUP } from "./scripts/create_group.ts";
import { HOLD_GROUP } from "./scripts/hold_group.ts";
import { LEAVE_GROUP } from "./scripts/leave_group.ts";
import { LOOK_AT_GROUP } from "./scripts/look_at_group.ts";

/** A group to create. */
export interface NewGroup {
  readonly id: string;
  /** How many seconds it is kept once it is complete and has no jobs; -1 for ever. */
  readonly ttl: number;
  /** The id of the group that it belongs to. */
  readonly parent: string | undefined;
  /** Packed jobs. */
  readonly callbacks: ReadonlyMap<GroupCallback, Uint8Array>;
}

/** What came of creating a group. */
export type Created = "created" | "taken" | "no parent" | "too deep" | "unfit";

/** How many members a group has, and how they have ended. */
export type GroupNumbers = Readonly<
  Record<(typeof GROUP_COUNTS)[number] | "open", number>
>;

/** A group at one moment. */
export interface GroupState {
  readonly counts: GroupNumbers;
  /** Since when it is complete; empty if it is not. */
  readonly endedAt: string;
  /** How many of its members are not counted yet. */
  readonly unknown: number;
  /** Whether its members are to be canceled. */
  readonly isCanceling: boolean;
  /** Entries in the stream of ends after this one are later than the state. */
  readonly endsAfter: string;
}

/** How many members one call looks at or takes out; with so many, none took Redis 2 ms. */
export const MEMBERS_AT_ONCE = 200;

/** For how many seconds somebody who adds members is believed to be at it, unless it says so again. */
export const HOLD_SECONDS = 60;

const RESEND = { resend: true } as const;

/** Where the groups are: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Creates a group. */
export async function createGroup(
  { client, keys }: Place,
  { id, ttl, parent = "", callbacks }: NewGroup,
): Promise<Created> {
  const reply = await CREATE_GROUP.run(
    client,
    [keys.groupState(id), keys.group(id)],
    [
      keys.prefix,
      id,
      crypto.randomUUID(),
      ttl,
      parent,
      ...[...callbacks].flat(),
    ],
    RESEND,
  );
  return String(reply) as Created;
}

/** Keeps a group from being complete for so many seconds, or with 0 no longer; `false` if there is none. */
export async function holdGroup(
  { client, keys }: Place,
  id: string,
  token: string,
  seconds: number,
): Promise<boolean> {
  const reply = await HOLD_GROUP.run(
    client,
    [keys.groupState(id), keys.group(id), keys.groupHolds(id)],
    [keys.prefix, id, token, seconds],
    RESEND,
  );
  return reply !== "gone";
}

/** Looks at some members of a group for what is not counted, and tells what is; `null` if there is no such group. */
export async function lookAtGroup(
  { client, keys }: Place,
  id: string,
  signal?: AbortSignal,
): Promise<GroupState | null> {
  const reply = await LOOK_AT_GROUP.run(
    client,
    [keys.groupState(id), keys.group(id), keys.groupOpen(id)],
    [keys.prefix, id, MEMBERS_AT_ONCE],
    signal === undefined ? RESEND : { ...RESEND, signal },
  );
  return stateOf(reply);
}

/** Looks at all members that are not counted yet, then tells; `null` if there is no such group. */
export async function countGroup(
  place: Place,
  id: string,
): Promise<GroupState | null> {
  let state = await lookAtGroup(place, id);
  let left = state === null ? 0 : looksAtAll(state);
  while (state !== null && state.unknown > 0 && left-- > 0) {
    state = await lookAtGroup(place, id);
  }
  return state;
}

/** With how many further looks each job of a group has been looked at, whichever of them are not counted yet. */
export function looksAtAll({ counts, unknown }: GroupState): number {
  // Redis walks through the places of a set, of which up to a half may be free.
  return Math.ceil(2 * (counts.total + unknown) / MEMBERS_AT_ONCE) + 1;
}

function stateOf(reply: RedisReply): GroupState | null {
  const [exists, endedAt, ms, canceling, unknown, ...numbers] = list(reply);
  if (exists !== 1) return null;
  const names = ["open", ...GROUP_COUNTS] as const;
  const counts = names.map((name, i) => [name, Number(numbers[i])] as const);
  return {
    counts: Object.fromEntries(counts) as GroupNumbers,
    endedAt: String(endedAt),
    unknown: Number(unknown),
    isCanceling: canceling === 1,
    endsAfter: `${Number(ms) - 1}-0`,
  };
}

/** Whether there is a group of this name, ours or RQ's. */
export async function groupExists(
  { client, keys }: Place,
  id: string,
): Promise<boolean> {
  const args = [keys.groupState(id), keys.group(id)];
  return await client.send("EXISTS", args, RESEND) !== 0;
}

/** Yields ids of a group's jobs, in pages, in no particular order. */
export async function* groupMembers(
  { client, keys }: Place,
  id: string,
): AsyncGenerator<string[]> {
  const seen = new Set<string>();
  for await (const page of pages(client, keys.group(id))) {
    const fresh = page.filter((member) => !seen.has(member));
    for (const member of fresh) seen.add(member); // Redis may tell one twice, if the set grows meanwhile
    yield fresh;
  }
}

/** The ids of all groups that have jobs, or are not complete. */
export async function groupIds({ client, keys }: Place): Promise<string[]> {
  const found = new Set<string>();
  for await (const page of pages(client, keys.groups)) {
    for (const id of page) found.add(id);
  }
  const args = [keys.openGroups, 0, -1];
  const open = await noWrongType(client.send("ZRANGE", args, RESEND));
  for (const id of texts(open)) found.add(id);
  return [...found];
}

/** Yields the members of a set in pages. */
export async function* pages(
  client: RedisClient,
  key: string,
): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const args: RedisArg[] = [key, cursor, "COUNT", MEMBERS_AT_ONCE];
    const reply = await noWrongType(client.send("SSCAN", args, RESEND));
    const [next = "0", members] = list(reply);
    cursor = String(next);
    yield texts(members ?? []);
  } while (cursor !== "0");
}

/**
 * Cancels all members that have not ended, those of groups in it as well. The group's hash says so as long as any is left, so
 * that a worker's sweep goes on if this program ends before. `false` if there is no such group.
 */
export async function cancelGroup(place: Place, id: string): Promise<boolean> {
  const { client, keys } = place;
  const before = await countGroup(place, id);
  if (before === null || before.endedAt !== "") return before !== null;
  const key = keys.groupState(id);
  await client.send("HSET", [key, "canceling", 1], RESEND);
  await cancelMembers(place, id);
  // The last end has taken the mark away, unless it came in front of the mark.
  const after = await lookAtGroup(place, id);
  if (after?.endedAt) await client.send("HDEL", [key, "canceling"], RESEND);
  return true;
}

/** Cancels members until none is open, or a round over all of them has changed nothing. */
export async function cancelMembers(
  place: Place,
  id: string,
  signal?: AbortSignal,
  depth = 1,
): Promise<void> {
  const { client, keys } = place;
  let before = Infinity;
  for (;;) {
    const state = await countGroup(place, id);
    if (state === null || signal?.aborted) return;
    if (state.counts.open === 0 || state.counts.open >= before) return;
    before = state.counts.open;
    const members: string[] = [];
    for await (const page of pages(client, keys.groupOpen(id))) {
      members.push(...page);
    }
    const jobs = members.filter((member) => !member.startsWith(INNER_GROUP));
    await inOrder(place, jobs, signal, (job) => cancel(place, job, {}));
    if (depth === MAX_DEPTH) continue;
    for (const member of members) {
      if (!member.startsWith(INNER_GROUP)) continue;
      const name = member.slice(INNER_GROUP.length);
      await cancelMembers(place, name, signal, depth + 1);
    }
  }
}

/**
 * Does something to each job, some at once, in the order in which they were enqueued. In any other order, to take a job off a
 * queue means to walk through the list: 100,000 jobs took minutes instead of seconds. If some are refused, it goes on with the
 * others, and throws the first refusal at the end.
 */
async function inOrder(
  { client, keys }: Place,
  jobs: readonly string[],
  signal: AbortSignal | undefined,
  act: (job: string) => Promise<unknown>,
): Promise<void> {
  const dated: { readonly job: string; readonly date: string }[] = [];
  for (const some of chunks(jobs, MEMBERS_AT_ONCE)) {
    if (signal?.aborted) return;
    const dates = await Promise.all(some.map((job) => {
      const args = [keys.job(job), "created_at"];
      return noWrongType(client.send("HGET", args, RESEND));
    }));
    some.forEach((job, i) => dated.push({ job, date: String(dates[i]) }));
  }
  dated.sort((a, b) => a.date < b.date ? -1 : a.date > b.date ? 1 : 0);
  const refusals: unknown[] = [];
  for (const some of chunks(dated, MEMBERS_AT_ONCE)) {
    if (signal?.aborted) return;
    const ends = await Promise.allSettled(some.map(({ job }) => act(job)));
    for (const end of ends) {
      if (end.status === "rejected") refusals.push(end.reason);
    }
  }
  if (refusals.length > 0) throw refusals[0];
}

/** Deletes a group, and its jobs too if they are not to stay; `false` if there is none. */
export async function deleteGroup(
  place: Place,
  id: string,
  deleteJobs: boolean,
): Promise<boolean> {
  const { client, keys } = place;
  if (!await groupExists(place, id)) return false;
  const key = keys.groupState(id);
  await client.send("HDEL", [key, ...GROUP_CALLBACKS], RESEND);
  if (deleteJobs) {
    const jobs: string[] = [];
    for await (const page of groupMembers(place, id)) jobs.push(...page);
    await inOrder(place, jobs, undefined, (job) => remove(place, job, false));
  }
  const all = [key, keys.group(id), keys.groupOpen(id), keys.groupHolds(id)];
  const args = [keys.prefix, id, MEMBERS_AT_ONCE];
  while (await LEAVE_GROUP.run(client, all, args, RESEND) !== 0);
  return true;
}
