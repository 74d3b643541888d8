/** Dropping dead workers, in bounded calls. @module */

import type { RedisArg, RedisClient } from "../redis/redis_client.ts";
import { chunks } from "./chunks.ts";
import { list, texts } from "./replies.ts";
import type { Keys } from "./keys.ts";
import { DEAD_AFTER_SECONDS } from "./lease.ts";
import { DROP_WORKERS } from "./scripts/drop_workers.ts";
import { FIND_DEAD_WORKERS } from "./scripts/find_dead_workers.ts";

/** How many workers, and how many of their queues, one call looks at. */
const BATCH = { workers: 20, queues: 100 } as const;

const RESEND = { resend: true } as const;

/** See `SweepStore.dropDeadWorkers`. */
export async function dropDeadWorkers(
  client: RedisClient,
  keys: Keys,
  queues: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const dropped: string[] = [];
  let cursor = "0";
  do {
    const page = await client.send(
      "SSCAN",
      [keys.workers, cursor, "COUNT", BATCH.workers],
      RESEND,
    );
    const [next, members] = list(page);
    cursor = String(next);
    for (const some of chunks(texts(members ?? []), BATCH.workers)) {
      if (signal?.aborted) return dropped;
      const args = [keys.prefix, DEAD_AFTER_SECONDS];
      const reply = await FIND_DEAD_WORKERS.run(client, some, args, RESEND);
      const gone = texts(reply);
      if (gone.length > 0) {
        dropped.push(...await drop(client, keys, gone, queues));
      }
    }
  } while (cursor !== "0");
  return dropped.map((key) => keys.workerName(key));
}

async function drop(
  client: RedisClient,
  keys: Keys,
  workers: readonly string[],
  queues: readonly string[],
): Promise<string[]> {
  const dropFrom = (what: string, names: readonly RedisArg[]) =>
    DROP_WORKERS.run(
      client,
      [keys.workers, ...workers],
      [keys.prefix, what, ...names],
      RESEND,
    );
  for (const names of chunks(queues, BATCH.queues)) await dropFrom("", names);
  return texts(await dropFrom("all", []));
}
