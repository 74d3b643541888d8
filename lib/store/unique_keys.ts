/** Looking up, freeing and cleaning unique keys. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { texts } from "./replies.ts";
import { CLEAN_UNIQUE } from "./scripts/clean_unique.ts";
import { FREE_UNIQUE } from "./scripts/free_unique.ts";
import { UNIQUE_HOLDER } from "./scripts/unique_holder.ts";

/** How many keys one call looks at. */
const BATCH = 100;

/** Where the keys are: a connection, and their names. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** The id of the job that holds a queue's unique key, or `null`. */
export async function uniqueHolder(
  { client, keys }: Place,
  queue: string,
  key: string,
): Promise<string | null> {
  const args = [keys.prefix, queue, key];
  const reply = await UNIQUE_HOLDER.run(client, [], args, { resend: true });
  return typeof reply === "string" ? reply : null;
}

/** Frees a queue's unique key; `false` if it was free. */
export async function freeUnique(
  { client, keys }: Place,
  queue: string,
  key: string,
): Promise<boolean> {
  // Not sent again: a second call would report that it was free.
  return await FREE_UNIQUE.run(client, [], [keys.prefix, queue, key]) === 1;
}

/** Drops unique keys that nobody has freed, as far as it is time to look at them; returns how many. */
export async function cleanUnique(
  { client, keys }: Place,
  signal?: AbortSignal,
): Promise<number> {
  let dropped = 0;
  while (!signal?.aborted) {
    const args = [keys.prefix, BATCH];
    const reply = await CLEAN_UNIQUE.run(client, [keys.uniqueKeys], args, {
      resend: true,
    });
    const [looked = 0, left = 0] = texts(reply).map(Number);
    dropped += left;
    if (looked < BATCH) break;
  }
  return dropped;
}
