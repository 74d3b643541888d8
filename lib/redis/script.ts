/**
 * Lua scripts, called by their hash.
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
 * A Lua script. It must not return an error inside a table: `@db/redis` then loses
 * track of the replies, and the connection is dropped. With `binary`, it must return strings
 * rather than statuses (`redis.status_reply`).
 */
export class Script {
  /** Its name in messages. */
  readonly name: string;
  readonly #write: () => string;
  #lua: string | undefined;
  #sha: string | undefined;

  /** Takes the source, or what gives it when it is first needed: most programs use few of the scripts. */
  constructor(name: string, lua: string | (() => string)) {
    this.name = name;
    this.#write = typeof lua === "string" ? () => lua : lua;
  }

  /** Its source. */
  get lua(): string {
    return this.#lua ??= this.#write();
  }

  /** Its SHA-1, by which the server knows it. */
  get sha(): string {
    return this.#sha ??= createHash("sha1").update(this.lua).digest("hex");
  }

  /**
   * Runs it: by its source the first time on a connection, then by its hash.
   * Calls are executed in the order in which they were made, even if the server
   * knows none of their scripts.
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

  /** Encodes the constant first words for {@linkcode runWith}, for callers that run the script often. */
  head(keys: readonly RedisArg[], args: readonly RedisArg[]): Uint8Array[] {
    return [this.sha, keys.length, ...keys, ...args].map((arg) =>
      arg instanceof Uint8Array ? arg : encoder.encode(String(arg))
    );
  }

  /** Runs it. `words` are all arguments of `EVALSHA`: the hash, the number of keys, keys and arguments. */
  runWith(
    client: Pick<RedisClient, "send">,
    words: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply> {
    return client.send("EVALSHA", words, { ...options, source: this.lua });
  }
}
