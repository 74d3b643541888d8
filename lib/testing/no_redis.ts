/**
 * A connection that is none: what stands behind a store in memory.
 *
 * @module
 */

import type {
  BlockingClient,
  RedisClient,
  Subscription,
} from "../redis/redis_client.ts";

/** Refuses every call. */
export class NoRedis implements RedisClient {
  /** What messages call it. */
  readonly url = "memory:";

  /** Rejects. */
  send(command: string): Promise<never> {
    return Promise.reject(noRedis(command));
  }

  /** @throws {Error} Always. */
  blocking(): BlockingClient {
    throw noRedis("a blocking call");
  }

  /** Rejects. */
  subscribe(): Promise<Subscription> {
    return Promise.reject(noRedis("SUBSCRIBE"));
  }

  /** Does nothing. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function noRedis(what: string): Error {
  return new Error(
    `Cannot do this in memory: it needs Redis (${what}), and the queue is captured by a test, or runs its jobs in this process (isAsync: false)`,
  );
}
