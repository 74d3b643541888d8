/**
 * What a pool of workers reads in Redis.
 *
 * @module
 */

import { type RedisClient, ReplyError } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";

const RESEND = { resend: true } as const;

/** A worker of a pool. */
export interface PoolMember {
  readonly name: string;
  readonly pid: number;
}

/** What a pool of workers reads in Redis: its connection and its keys. Every read is of single keys, and changes none. */
export class PoolStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /**
   * The states of workers, such as `idle` or `busy`, by name. One that is not registered has none, also if another
   * process has its name.
   */
  async states(workers: readonly PoolMember[]): Promise<Map<string, string>> {
    const replies = await Promise.all(
      workers.map(({ name }) =>
        this.#client.send(
          "HMGET",
          [this.#keys.worker(name), "pid", "state"],
          RESEND,
        )
      ),
    );
    const states = new Map<string, string>();
    for (const [i, { name, pid }] of workers.entries()) {
      const [seen, state] = replies[i] as (string | null)[];
      if (Number(seen) === pid) states.set(name, String(state));
    }
    return states;
  }

  /** How many jobs wait on these queues together. A key that holds no list counts nothing: workers report it. */
  async waiting(queues: readonly string[]): Promise<number> {
    const lengths = await Promise.all(
      queues.map((queue) => this.#length(queue)),
    );
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  async #length(queue: string): Promise<number> {
    try {
      return Number(
        await this.#client.send("LLEN", [this.#keys.queue(queue)], RESEND),
      );
    } catch (error) {
      if (error instanceof ReplyError && error.code === "WRONGTYPE") return 0;
      throw error;
    }
  }
}
