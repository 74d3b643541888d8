/**
 * The driver for `jsr:@db/redis`. It uses only `connect`, `sendCommand`,
 * `pipeline`/`flush`, `subscribe` and `close` of that package.
 *
 * @module
 */

import { connect, ErrorReplyError } from "@db/redis";
import type { Redis, RedisConnectOptions } from "@db/redis";
import {
  type Command,
  type Connection,
  ConnectionEnd,
  toError,
} from "./driver.ts";
import type { Driver } from "./driver.ts";
import type { RedisArg, RedisReply } from "./redis_client.ts";
import { ReplyError } from "./redis_client.ts";
import type { RedisTarget } from "./url.ts";

/**
 * Commands whose replies contain no status (`+OK`). A status requested as bytes
 * is a view into the package's read buffer, which the next read overwrites.
 */
const WITHOUT_STATUS: ReadonlySet<string> = new Set([
  ...["GET", "GETDEL", "GETEX", "GETRANGE", "MGET", "DUMP"],
  ...["HGET", "HGETALL", "HMGET", "HKEYS", "HVALS", "HSCAN"],
  ...["LRANGE", "LINDEX", "LPOP", "RPOP", "LMOVE", "BLMOVE", "BLPOP", "BRPOP"],
  ...["SMEMBERS", "SSCAN", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGE", "ZSCAN"],
  ...["XRANGE", "XREVRANGE", "XREAD", "XREADGROUP", "XAUTOCLAIM", "SCAN"],
  ...["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"],
]);

/** Commands whose replies may contain errors inside an array. */
const SCRIPTED: ReadonlySet<string> = new Set([
  ...["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"],
]);

/** Connects with `@db/redis`, which supports TCP and TLS but no unix sockets. */
export class DbRedisDriver implements Driver {
  readonly url: string;
  readonly credentials: Driver["credentials"];
  readonly direct = true;
  readonly #options: RedisConnectOptions;

  /** For one server. */
  constructor(target: RedisTarget) {
    if ("path" in target.address) {
      throw new TypeError(
        `Cannot open ${target.url} with @db/redis: it does not support unix sockets, use the driver "ioredis"`,
      );
    }
    this.url = target.url;
    this.credentials = target.credentials;
    this.#options = {
      ...target.address,
      noDelay: true,
      // A retry would send a command again that may have been executed.
      maxRetryCount: 0,
      ...(target.caCerts === undefined ? {} : { caCerts: [...target.caCerts] }),
    };
  }

  /** Makes one attempt: the package's own retries are off. */
  async dial(signal: AbortSignal): Promise<Connection> {
    let dialled = false;
    const { heeded, release } = stopsOnlyOpening(signal);
    try {
      const redis = await connect({
        ...this.#options,
        // The read loop of a subscription reconnects in spite of maxRetryCount; this stops it.
        signal: () => dialled ? AbortSignal.abort() : heeded,
      });
      return new DbRedisConnection(redis, { owned: true });
    } finally {
      dialled = true;
      release();
    }
  }
}

/**
 * A signal that stops `Deno.connect` only while it connects. `Deno.connect` checks its signal
 * once more when the socket is open, and if it is aborted drops the socket without closing it.
 * This signal ignores that check, so we get the socket, and the caller that gave up closes it.
 */
function stopsOnlyOpening(
  signal: AbortSignal,
): { heeded: AbortSignal; release: () => void } {
  const opening = new AbortController();
  const stop = () => opening.abort(signal.reason);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  else Object.assign(opening.signal, { throwIfAborted: () => undefined });
  return {
    heeded: opening.signal,
    release: () => signal.removeEventListener("abort", stop),
  };
}

/** A connection over one `@db/redis` client. */
export class DbRedisConnection implements Connection {
  readonly #redis: Redis;
  readonly #pipeline: ReturnType<Redis["pipeline"]>;
  readonly #end = new ConnectionEnd();
  readonly #owned: boolean;

  /** Wraps a connected client. One that is not `owned` is never closed. */
  constructor(redis: Redis, options: { owned: boolean }) {
    this.#redis = redis;
    this.#pipeline = redis.pipeline();
    this.#owned = options.owned;
  }

  get ended(): Promise<Error> {
    return this.#end.promise;
  }

  /** See {@linkcode Connection.pipeline}. */
  async pipeline(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    if (commands.length === 1) return await this.#exchange(commands);
    const replies: (RedisReply | ReplyError)[] = [];
    for (const chunk of chunksForBytes(commands)) {
      replies.push(...await this.#exchange(chunk));
    }
    return replies;
  }

  /** See {@linkcode Connection.subscribe}. */
  async subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<void> {
    try {
      // `subscribe()` only writes, and the read loop hides the confirmation. So it
      // is sent as a plain command first, whose reply is the confirmation;
      // subscribing to the same channel again changes nothing.
      await this.#end.guard(this.#redis.sendCommand("SUBSCRIBE", [channel]));
      const subscription = await this.#redis.subscribe(channel);
      this.#listen(subscription.receive(), onMessage);
    } catch (error) {
      throw error instanceof ErrorReplyError ? toReplyError(error) : error;
    }
  }

  /** See {@linkcode Connection.close}. */
  close(reason: Error): void {
    if (this.#end.reached) return;
    this.#end.reach(reason);
    if (this.#owned) this.#redis.close();
  }

  async #exchange(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    try {
      // Outside a pipeline, a user's client would emit an error event for an error reply.
      const replies = commands.length === 1 && this.#owned
        ? [await this.#sendOne(commands[0]!)]
        : await this.#sendTogether(commands);
      const suspect = replies.some((reply, i) =>
        mayHideMore(reply, commands[i])
      );
      if (suspect) await this.#checkPlace();
      return replies.map((reply, i) => toReply(reply, commands[i]));
    } catch (error) {
      this.close(toError(error));
      throw error;
    }
  }

  #sendTogether(commands: readonly Command[]): Promise<unknown[]> {
    for (const { name, args, binary } of commands) {
      this.#pipeline.sendCommand(name, encodeAtOnce(args) as RedisArgs, {
        returnUint8Arrays: binary,
      });
    }
    return this.#end.guard(this.#pipeline.flush());
  }

  /** A single command without a pipeline. As in a pipeline, an error reply is returned, not thrown. */
  async #sendOne({ name, args, binary }: Command): Promise<unknown> {
    try {
      return await this.#end.guard(
        this.#redis.sendCommand(name, encodeAtOnce(args) as RedisArgs, {
          returnUint8Arrays: binary,
        }),
      );
    } catch (error) {
      if (error instanceof ErrorReplyError) return error;
      throw error;
    }
  }

  /**
   * The package stops reading an array at an error inside it, and takes the rest
   * of the array for the next replies. Where that may have happened, an ECHO checks
   * that replies still match their calls.
   */
  async #checkPlace(): Promise<void> {
    const mark = crypto.randomUUID();
    const echo = await this.#end.guard(
      this.#redis.sendCommand("ECHO", [mark]).catch(refusal),
    );
    if (echo === mark) return;
    // If the user may not call ECHO, that error is in the place of its reply.
    if (/^-NOPERM\b.*\becho\b/i.test(String(echo))) return;
    throw new Error(
      "@db/redis lost track of the replies after an error inside a script's reply",
    );
  }

  async #listen(
    messages: AsyncIterable<{ message: string }>,
    onMessage: (message: string) => void,
  ): Promise<void> {
    try {
      for await (const { message } of messages) onMessage(message);
      this.close(new Error("the subscription ended"));
    } catch (error) {
      this.close(toError(error));
    }
  }
}

const encoder = new TextEncoder();

/**
 * Encodes all arguments of a command in one call. The package encodes each argument by
 * itself, which leaves JavaScript each time and took a third of the time of a bulk enqueue.
 * Text that is not plain ASCII, where characters are not bytes, is left to the package.
 */
function encodeAtOnce(args: readonly RedisArg[]): readonly RedisArg[] {
  if (args.length < 4) return args;
  let text = "";
  for (const arg of args) if (!(arg instanceof Uint8Array)) text += arg;
  if (text === "") return args;
  const bytes = encoder.encode(text);
  if (bytes.length !== text.length) return args;
  let from = 0;
  return args.map((arg) => {
    if (arg instanceof Uint8Array) return arg;
    const length = typeof arg === "string" ? arg.length : String(arg).length;
    return bytes.subarray(from, from += length);
  });
}

/** The text of an error reply; any other error is thrown again. */
function refusal(error: unknown): string {
  if (error instanceof ErrorReplyError) return error.message;
  throw error;
}

type RedisArgs = Parameters<Redis["sendCommand"]>[1];

/** Splits commands so that a status requested as bytes is the last reply read, and can be copied in time. */
function* chunksForBytes(
  commands: readonly Command[],
): Generator<readonly Command[]> {
  let start = 0;
  for (const [i, { name, binary }] of commands.entries()) {
    if (!binary || WITHOUT_STATUS.has(name.toUpperCase())) continue;
    yield commands.slice(start, i + 1);
    start = i + 1;
  }
  if (start < commands.length) yield commands.slice(start);
}

/** Whether the reply is a script's error, which may have been inside an array. */
function mayHideMore(reply: unknown, command: Command | undefined): boolean {
  return reply instanceof ErrorReplyError && command !== undefined &&
    SCRIPTED.has(command.name.toUpperCase()) &&
    !reply.message.startsWith("-NOSCRIPT ");
}

function toReply(
  reply: unknown,
  command: Command | undefined,
): RedisReply | ReplyError {
  if (reply instanceof ErrorReplyError) return toReplyError(reply);
  if (!command?.binary) return reply as RedisReply;
  // A bulk string has its own buffer; a status is a view into the read buffer.
  if (!(reply instanceof Uint8Array) || reply.byteOffset === 0) {
    return reply as RedisReply;
  }
  return WITHOUT_STATUS.has(command.name.toUpperCase())
    ? new ReplyError(
      `ERR Cannot give the status reply of ${command.name} as bytes: the script must return a string`,
    )
    : reply.slice();
}

function toReplyError(error: ErrorReplyError): ReplyError {
  // The package leaves the "-" of the protocol in front of the message.
  return new ReplyError(error.message.replace(/^-/, ""));
}
