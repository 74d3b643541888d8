/** Cleaning rate limits, in bounded calls. @module */

import { isFairLimit, queueOfFairLimit } from "../job/fair_key.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import { list, noWrongType, texts } from "./replies.ts";
import type { Keys } from "./keys.ts";
import { CLEAN_LIMIT } from "./scripts/clean_limit.ts";

/** How many limits are cleaned at once, and how many slots one call looks at. */
const BATCH = { limits: 100, slots: 100 } as const;

const RESEND = { resend: true } as const;

/** See `SweepStore.cleanLimits`. */
export async function cleanLimits(
  client: RedisClient,
  keys: Keys,
  signal?: AbortSignal,
): Promise<number> {
  let freed = 0;
  let cursor = "0";
  do {
    const args = [keys.limits, cursor, "COUNT", BATCH.limits];
    const page = await noWrongType(client.send("SSCAN", args, RESEND));
    const [next = "0", members] = list(page);
    cursor = String(next);
    const limits = texts(members ?? []);
    await listTurns(client, keys, limits);
    const counts = await Promise.all(
      limits.filter((limit) => !isFairLimit(limit))
        .map((limit) => clean(client, keys, limit, signal)),
    );
    for (const count of counts) freed += count;
  } while (cursor !== "0" && !signal?.aborted);
  return freed;
}

/**
 * Has the limits of fair keys, which a Python worker may have brought back by a retry, listed for their queues; see
 * `SweepStore.passTurns`.
 */
async function listTurns(
  client: RedisClient,
  keys: Keys,
  limits: readonly string[],
): Promise<void> {
  const turns = Map.groupBy(limits, (limit) => queueOfFairLimit(limit));
  const listed = turns.entries().map(([queue, some]) =>
    queue === undefined
      ? null
      : noWrongType(client.send("SADD", [keys.fair(queue), ...some], RESEND))
  );
  await Promise.all(listed);
}

async function clean(
  client: RedisClient,
  keys: Keys,
  limit: string,
  signal?: AbortSignal,
): Promise<number> {
  let freed = 0;
  for (let from = 0; !signal?.aborted;) {
    const reply = await CLEAN_LIMIT.run(
      client,
      [keys.allowed(limit)],
      [keys.prefix, limit, from, BATCH.slots],
      RESEND,
    );
    const [stay = 0, left = 0] = texts(reply).map(Number);
    freed += left;
    if (stay + left < BATCH.slots) break;
    from += stay;
  }
  return freed;
}
