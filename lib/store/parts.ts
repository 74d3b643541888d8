/**
 * The stream of the parts that a job yields.
 *
 * @module
 */

import type { RedisClient, RedisReply } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list, texts } from "./replies.ts";
import { EMIT } from "./scripts/emit.ts";
import type { Kept } from "./steps.ts";
import type { Execution } from "./worker_types.ts";

/** Where jobs are: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Parts of a run. */
export interface Parts {
  /** How many the run has yielded before. */
  readonly from: number;
  /** Their JSON. */
  readonly parts: readonly string[];
  /** For how many seconds the stream is kept unless more comes. */
  readonly ttl: number;
}

/** Adds parts to the stream of a running job. */
export async function emit(
  { client, keys }: Place,
  { id, job }: Execution,
  { from, parts, ttl }: Parts,
): Promise<Kept> {
  const reply = await EMIT.run(
    client,
    [keys.job(job.id), keys.stream(job.id)],
    [keys.prefix, id, ttl, job.integer("x_attempts") ?? 1, from, ...parts],
    { resend: true },
  );
  return reply as Kept;
}

/** An entry of any stream. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Reads entries as Redis gives them. */
export function entriesOf(reply: RedisReply): StreamEntry[] {
  return list(reply).map((entry) => {
    const [id, flat] = list(entry);
    const fields = new Map<string, string>();
    const values = texts(flat ?? null);
    for (let i = 0; i + 1 < values.length; i += 2) {
      fields.set(values[i]!, values[i + 1]!);
    }
    return { id: String(id), fields };
  });
}
