/**
 * Releases the dependents of a job that has very many, in bounded calls.
 *
 * @module
 */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { RELEASE_DEPENDENTS } from "./scripts/release_dependents.ts";

/** A job that has ended and that others wait for. */
export interface Parent {
  readonly id: string;
  /** The status with which it ended. */
  readonly status: string;
}

/** Releases the dependents of a parent, from a cursor on, until none is left or the signal is aborted. */
export async function releaseDependents(
  client: RedisClient,
  keys: Keys,
  parent: Parent,
  from: string,
  signal?: AbortSignal,
): Promise<void> {
  for (let cursor = from; cursor !== "0" && !signal?.aborted;) {
    const reply = await RELEASE_DEPENDENTS.run(
      client,
      [keys.releasing],
      [keys.prefix, parent.id, parent.status, cursor],
      { resend: true },
    );
    cursor = String(reply);
  }
}
