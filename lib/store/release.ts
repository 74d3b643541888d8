/**
 * Releases the dependents of a job that has very many, in bounded calls.
 *
 * @module
 */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { noWrongType, texts } from "./replies.ts";
import { RELEASE_DEPENDENTS } from "./scripts/release_dependents.ts";

/** A job that has ended and that others wait for. */
export interface Parent {
  readonly id: string;
  /** How it has ended, or what is to be done with its dependents; see RELEASE_DEPENDENTS. */
  readonly how: string;
}

/**
 * Releases the dependents of a parent, from a cursor on, until none is left or the signal is aborted; and those of the
 * jobs that end with it, and so on.
 */
export async function releaseDependents(
  client: RedisClient,
  keys: Keys,
  parent: Parent,
  from: string,
  signal?: AbortSignal,
): Promise<void> {
  if (from === "0") return;
  await releaseOf(client, keys, parent, from, signal);
  await releaseHeld(client, keys, signal);
}

/**
 * Continues releases that are not complete: their worker has died, is still at it, or leaves it to this call; returns of
 * how many jobs. While it works, further ones may come up; each is tried once.
 */
export async function releaseHeld(
  client: RedisClient,
  keys: Keys,
  signal?: AbortSignal,
): Promise<number> {
  const tried = new Set<string>();
  for (let found = true; found && !signal?.aborted;) {
    const held = client.send("HGETALL", [keys.releasing], { resend: true });
    const fields = texts(await noWrongType(held));
    found = false;
    for (let i = 0; i + 1 < fields.length && !signal?.aborted; i += 2) {
      const [id, what] = [fields[i]!, fields[i + 1]!];
      if (tried.has(id)) continue;
      tried.add(id);
      found = true;
      const parent = { id, how: what.split(" ", 1)[0]! };
      await releaseOf(client, keys, parent, "begin", signal);
    }
  }
  return tried.size;
}

async function releaseOf(
  client: RedisClient,
  keys: Keys,
  { id, how }: Parent,
  from: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let cursor = from; cursor !== "0" && !signal?.aborted;) {
    const reply = await RELEASE_DEPENDENTS.run(
      client,
      [keys.releasing],
      [keys.prefix, id, how, cursor],
      { resend: true },
    );
    cursor = String(reply);
  }
}
