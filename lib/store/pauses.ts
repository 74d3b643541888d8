/** Keeping workers from claiming: all of them, as RQ's `suspend` does, or those of one queue. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { noWrongType, texts } from "./replies.ts";
import { PAUSE } from "./scripts/pause.ts";
import { SUSPEND } from "./scripts/suspend.ts";

/** Where the keys are: a connection, and their names. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

const RESEND = { resend: true } as const;

/** Suspends all workers, for so many seconds or for ever (`Infinity`). */
export async function suspendWorkers(
  { client, keys }: Place,
  seconds: number,
): Promise<void> {
  const millis = seconds === Infinity
    ? ""
    : Math.max(1, Math.round(seconds * 1_000));
  await SUSPEND.run(client, [keys.suspended], [keys.prefix, millis], RESEND);
}

/** Ends the suspension; `false` if there was none. */
export async function resumeWorkers({ client, keys }: Place): Promise<boolean> {
  // Not sent again: a second call would report that there was none.
  return Number(await client.send("DEL", [keys.suspended])) > 0;
}

/** Whether all workers are suspended. */
export async function areWorkersSuspended(
  { client, keys }: Place,
): Promise<boolean> {
  return Number(await client.send("EXISTS", [keys.suspended], RESEND)) > 0;
}

/** Pauses a queue, for so many seconds or for ever (`Infinity`). */
export async function pauseQueue(
  { client, keys }: Place,
  queue: string,
  seconds: number,
): Promise<void> {
  const given = seconds === Infinity ? "inf" : seconds;
  const args = [keys.prefix, queue, given];
  await PAUSE.run(client, [keys.paused], args, RESEND);
}

/** Ends the pause of a queue; `false` if there was none. */
export async function resumeQueue(
  { client, keys }: Place,
  queue: string,
): Promise<boolean> {
  // Not sent again: a second call would report that there was none.
  return Number(await client.send("HDEL", [keys.paused, queue])) > 0;
}

/**
 * Until when each of some queues is paused, in milliseconds since 1970 of the server, `Infinity` for ever; `null` for one that
 * is not.
 */
export async function pausedUntil(
  { client, keys }: Place,
  queues: readonly string[],
): Promise<(number | null)[]> {
  if (queues.length === 0) return [];
  const [ends, time] = await Promise.all([
    noWrongType(client.send("HMGET", [keys.paused, ...queues], RESEND)),
    client.send("TIME", [], RESEND),
  ]);
  const [seconds, micros] = texts(time).map(Number);
  const now = seconds! * 1_000 + micros! / 1_000;
  const list = Array.isArray(ends) ? ends : [];
  return queues.map((_, i) => {
    const text = list[i];
    if (typeof text !== "string") return null;
    const until = text === "inf" ? Infinity : Number(text) * 1_000;
    return until > now ? until : Number.isNaN(until) ? Infinity : null;
  });
}
