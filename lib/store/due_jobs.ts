/** Queueing jobs whose time has come, in bounded calls. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { texts } from "./replies.ts";
import { LOOK_AT_LIMITS } from "./scripts/look_at_limits.ts";
import { PROMOTE_SCHEDULED } from "./scripts/promote_scheduled.ts";

/** What came of queueing the jobs of a queue that are due. */
export interface Promotion {
  /** How many were queued, -1 if they are left to a Python scheduler. */
  readonly moved: number;
  /** Milliseconds until the next one is due; `Infinity` if there is none, or Python does it. */
  readonly nextMs: number;
}

/** How many jobs, and how many rate limits, one call looks at. */
const BATCH = { scheduled: 250, limits: 20 } as const;

const RESEND = { resend: true } as const;

/** See `SweepStore.dueKeys`. */
export function dueKeys(keys: Keys, queue: string): string[] {
  return [keys.registry("scheduled", queue), keys.looks(queue)];
}

/** See `SweepStore.firstScheduled`. */
export async function firstScheduled(
  client: RedisClient,
  keys: Keys,
  queue: string,
): Promise<string | undefined> {
  const args = [keys.registry("scheduled", queue), 0, 0, "WITHSCORES"];
  return texts(await client.send("ZRANGE", args, RESEND))[1];
}

/** See `SweepStore.promoteScheduled`. */
export async function promoteScheduled(
  client: RedisClient,
  keys: Keys,
  queue: string,
  signal?: AbortSignal,
): Promise<Promotion> {
  const scheduled = [
    keys.registry("scheduled", queue),
    keys.schedulerLock(queue),
  ];
  const args = [keys.prefix, queue, BATCH.scheduled];
  let [moved, nextMs] = [0, Infinity];
  while (!signal?.aborted) {
    const [taken = 0, queued = 0, ms = -1] = texts(
      await PROMOTE_SCHEDULED.run(client, scheduled, args, RESEND),
    ).map(Number);
    if (queued === -1) return { moved: moved || -1, nextMs: Infinity };
    if (queued === -2) {
      throw new Error(
        `Cannot queue scheduled jobs of "${queue}": a key of the queue holds another type of value`,
      );
    }
    moved += queued;
    nextMs = ms < 0 ? Infinity : ms;
    if (taken === 0 || ms !== 0) break;
  }
  return { moved, nextMs };
}

/** See `SweepStore.lookAtLimits`. */
export async function lookAtLimits(
  client: RedisClient,
  keys: Keys,
  queue: string,
  signal?: AbortSignal,
): Promise<Promotion> {
  const args = [keys.prefix, queue, BATCH.limits];
  let [moved, nextMs] = [0, Infinity];
  while (!signal?.aborted) {
    const [looked = 0, queued = 0, ms = -1] = texts(
      await LOOK_AT_LIMITS.run(client, [keys.looks(queue)], args, RESEND),
    ).map(Number);
    moved += queued;
    nextMs = ms < 0 ? Infinity : ms;
    if (looked === 0 || ms !== 0) break;
  }
  return { moved, nextMs };
}
