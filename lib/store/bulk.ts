/** Changing many jobs of one place, in one bounded call each. @module */

import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import type { JobStatus } from "../job/status.ts";
import type { RedisClient, RedisReply } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { releaseHeld } from "./release.ts";
import { texts } from "./replies.ts";
import { CANCEL_MANY } from "./scripts/cancel_many.ts";
import { DELETE_MANY } from "./scripts/delete_many.ts";
import { REQUEUE_MANY } from "./scripts/requeue_many.ts";

/** How many jobs one call changes: each may free a slot of a rate limit, which queues another job. */
export const BULK_BATCH = 40;

const RESEND = { resend: true } as const;

/** Where the jobs are stored. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** The place of jobs: a registry of a queue, or its list. */
export interface JobsPlace {
  readonly queue: string;
  /** The key of the registry, or of the list. */
  readonly key: string;
  /** The statuses of jobs that are there; a job of another status is left alone. */
  readonly statuses: readonly JobStatus[];
}

/** A run over many jobs, in calls of which each has its number. */
export interface Run {
  /** A token: what was requeued by this run is not requeued by it again. */
  readonly token: string;
  /** The number of this call. */
  readonly call: number;
}

/** What became of a job that was to be requeued. */
export interface Requeued {
  readonly id: string;
  /** `again`: this run has requeued it before. */
  readonly what: "requeued" | "not" | "gone" | "again" | "held" | "unfit";
  /** `not`: its status. `held`: the job that has its unique key. */
  readonly detail: string;
  /** `held`: the key. */
  readonly uniqueKey: string;
}

/** Puts jobs back on their queue. */
export async function requeueMany(
  { client, keys }: Place,
  { queue, statuses }: Omit<JobsPlace, "key">,
  ids: readonly string[],
  { token, call, atFront = false }: Run & { readonly atFront?: boolean },
): Promise<Requeued[]> {
  const front = atFront ? "L" : "R";
  const head = [keys.prefix, queue, spaced(statuses), front, token, call];
  const reply = await REQUEUE_MANY.run(client, [], [...head, ...ids], RESEND);
  const words = texts(reply);
  return ids.map((id, i) => ({
    id,
    what: words[3 * i] as Requeued["what"],
    detail: words[3 * i + 1] ?? "",
    uniqueKey: words[3 * i + 2] ?? "",
  }));
}

/** Deletes jobs; returns how many. Sent again after a lost reply, it does not count those that were deleted before. */
export async function deleteMany(
  place: Place,
  { queue, key, statuses }: JobsPlace,
  ids: readonly string[],
): Promise<number> {
  const { client, keys } = place;
  const args = [keys.prefix, queue, spaced(statuses), ...ids];
  return await counted(place, DELETE_MANY.run(client, [key], args, RESEND));
}

/** Cancels jobs; returns how many. */
export async function cancelMany(
  place: Place,
  { queue, statuses }: Omit<JobsPlace, "key">,
  ids: readonly string[],
): Promise<number> {
  const { client, keys } = place;
  const head = [keys.prefix, queue, spaced(statuses), DEFAULT_FAILURE_TTL];
  const args = [...head, crypto.randomUUID(), ...ids];
  return await counted(place, CANCEL_MANY.run(client, [], args, RESEND));
}

/** How many jobs a call has changed, once those that waited for them have gone on or ended. */
async function counted(
  { client, keys }: Place,
  reply: Promise<RedisReply>,
): Promise<number> {
  const [count = 0, held] = texts(await reply).map(Number);
  if (held === 1) await releaseHeld(client, keys);
  return count;
}

/** As scripts look for a status, with a space on each side. A hash without one is that of a queued job. */
function spaced(statuses: readonly JobStatus[]): string {
  const all = statuses.includes("queued") ? [...statuses, ""] : statuses;
  return ` ${all.join(" ")} `;
}
