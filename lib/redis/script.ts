/**
 * Lua scripts, sent by their hash.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type {
  RedisArg,
  RedisClient,
  RedisReply,
  SendOptions,
} from "./redis_client.ts";

const encoder = new TextEncoder();

/**
 * A Lua script. It must not return an error inside a table: `@db/redis` loses
 * its place in the stream over that, and the connection is dropped. With `binary`, it must return strings
 * rather than statuses (`redis.status_reply`).
 */
export class Script {
  /** What it is called in messages. */
  readonly name: string;
  /** Its source. */
  readonly lua: string;
  /** Its SHA-1, by which the server knows it. */
  readonly sha: string;

  /** The hash is computed here, once. */
  constructor(name: string, lua: string) {
    this.name = name;
    this.lua = lua;
    this.sha = createHash("sha1").update(lua).digest("hex");
  }

  /**
   * Runs it: by its hash, or by its source where the server does not know it
   * yet. Runs that were asked for one after the other are carried out in that
   * order, also when the server knows none of their scripts.
   */
  run(
    client: Pick<RedisClient, "send">,
    keys: readonly RedisArg[],
    args: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply> {
    return this.runWith(
      client,
      [this.sha, keys.length, ...keys, ...args],
      options,
    );
  }

  /** Encodes what {@linkcode runWith} is to be given before all else, for those who run it often. */
  head(keys: readonly RedisArg[], args: readonly RedisArg[]): Uint8Array[] {
    return [this.sha, keys.length, ...keys, ...args].map((arg) =>
      arg instanceof Uint8Array ? arg : encoder.encode(String(arg))
    );
  }

  /** Runs it with its hash, keys and arguments as the server takes them. */
  runWith(
    client: Pick<RedisClient, "send">,
    words: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply> {
    return client.send("EVALSHA", words, { ...options, source: this.lua });
  }
}
