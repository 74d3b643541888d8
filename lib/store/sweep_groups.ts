/** Looking after groups, in bounded calls. @module */

import { type RedisClient, ReplyError } from "../redis/redis_client.ts";
import {
  cancelMembers,
  lookAtGroup,
  looksAtAll,
  MEMBERS_AT_ONCE,
  pages,
} from "./group_store.ts";
import type { JobStore } from "./job_store.ts";
import type { Keys } from "./keys.ts";
import { noWrongType, texts } from "./replies.ts";
import { CLEAN_GROUP } from "./scripts/clean_group.ts";

/** How many groups one pass looks at, and how many jobs one call does. */
const BATCH = { groups: 200, jobs: 200 } as const;

/** Of a group with more open members than this, a pass looks at a quarter. */
const ALL_AT_ONCE = 2_000;

const RESEND = { resend: true } as const;

/**
 * Looks at groups at which nobody has looked for a while: counts what Python's RQ has added and ended and what has expired, tries
 * again what could not be enqueued, and goes on with canceling; of complete ones it drops the jobs that are gone. Returns how
 * many groups it has looked at.
 */
export async function tendGroups(
  client: RedisClient,
  keys: Keys,
  signal?: AbortSignal,
): Promise<number> {
  if (await client.send("EXISTS", [keys.openGroups], RESEND) === 0) return 0;
  const args = [keys.openGroups, "-inf", await now(client), "LIMIT", 0];
  const due = texts(
    await noWrongType(
      client.send("ZRANGEBYSCORE", [...args, BATCH.groups], RESEND),
    ),
  );
  for (const id of due) {
    if (signal?.aborted) break;
    await tend(client, keys, id, signal);
  }
  return due.length;
}

/** Redis' time in seconds. */
async function now(client: RedisClient): Promise<number> {
  return Number(texts(await client.send("TIME", [], RESEND))[0]);
}

async function tend(
  client: RedisClient,
  keys: Keys,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  const place = { client, keys };
  let left = 1;
  for (let i = 0; i < left && !signal?.aborted; i++) {
    const state = await lookAtGroup(place, id, signal);
    if (state === null) return;
    if (i > 0) continue;
    const { open } = state.counts;
    const members = open > ALL_AT_ONCE ? open / 4 : open;
    left = Math.ceil(members / MEMBERS_AT_ONCE);
    if (state.unknown > 0) left = Math.max(left, looksAtAll(state));
    if (state.endedAt !== "") await clean(client, keys, id, signal);
    if (state.isCanceling) await goOnCanceling(place, id, signal);
  }
}

/** A member that Redis refuses to cancel, since a key of its queue holds another type of value, is tried again next time. */
async function goOnCanceling(
  place: Pick<JobStore, "client" | "keys">,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await cancelMembers(place, id, signal);
  } catch (error) {
    const isOfMember = error instanceof ReplyError &&
      error.code === "WRONGTYPE";
    if (!isOfMember) throw error;
  }
}

/** Drops jobs that are gone from all groups, and groups of which nothing is left; returns how many jobs. */
export async function cleanGroups(
  client: RedisClient,
  keys: Keys,
  signal?: AbortSignal,
): Promise<number> {
  let dropped = 0;
  for await (const page of pages(client, keys.groups)) {
    for (const id of page) {
      if (signal?.aborted) return dropped;
      dropped += await clean(client, keys, id, signal);
    }
  }
  return dropped;
}

/** The same of one group: as long as there are some among those that it looks at. */
async function clean(
  client: RedisClient,
  keys: Keys,
  id: string,
  signal?: AbortSignal,
): Promise<number> {
  let dropped = 0;
  for (let last = 1; last > 0 && !signal?.aborted; dropped += last) {
    const reply = await CLEAN_GROUP.run(
      client,
      [keys.group(id), keys.groupState(id)],
      [keys.prefix, id, BATCH.jobs],
      RESEND,
    );
    last = Number(reply);
  }
  return dropped;
}
