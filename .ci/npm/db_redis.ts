/**
 * Stands in for `jsr:@db/redis` where only the npm registry can be reached:
 * the few calls of it that this project uses, over `npm:ioredis`, with the
 * same observable behaviour.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Redis as Ioredis, RedisOptions } from "ioredis";

/** An argument of a command. */
export type RedisValue = string | number | Uint8Array;

/** A reply; an error reply stands in its place in a pipeline's replies. */
export type RedisReply =
  | string
  | number
  | null
  | Uint8Array
  | ErrorReplyError
  | RedisReply[];

/** Redis answered with an error. As in the package, the message starts with the `-` of the wire. */
export class ErrorReplyError extends Error {}

/** The server closed the connection. */
export class EOFError extends Error {}

/** How {@linkcode connect} connects. */
export interface RedisConnectOptions {
  hostname: string;
  port?: number | string;
  tls?: boolean;
  caCerts?: string[];
  db?: number;
  username?: string;
  password?: string;
  name?: string;
  /** 0 for one connection that is never made anew. */
  maxRetryCount?: number;
  noDelay?: boolean;
  signal?: () => AbortSignal;
}

/** How one command is sent. */
export interface SendCommandOptions {
  returnUint8Arrays?: boolean;
}

/** Commands that go together. */
export interface RedisPipeline {
  sendCommand(
    command: string,
    args?: RedisValue[],
    options?: SendCommandOptions,
  ): Promise<RedisReply>;
  flush(): Promise<RedisReply[]>;
}

/** The messages of a channel. */
export interface RedisSubscription {
  receive(): AsyncIterableIterator<{ channel: string; message: string }>;
  close(): void;
}

/** A client. */
export interface Redis {
  readonly isConnected: boolean;
  readonly isClosed: boolean;
  sendCommand(
    command: string,
    args?: RedisValue[],
    options?: SendCommandOptions,
  ): Promise<RedisReply>;
  pipeline(): RedisPipeline;
  subscribe(...channels: string[]): Promise<RedisSubscription>;
  close(): void;
  [Symbol.dispose](): void;
}

/** Connects. */
export async function connect(options: RedisConnectOptions): Promise<Redis> {
  // Not before it is needed: it reads the environment, which the package does not.
  const { Redis } = await import("ioredis");
  const redis = new Redis(toIoredis(options));
  const client = new Client(redis, options);
  const signal = options.signal?.();
  const giveUp = () => client.close();
  signal?.addEventListener("abort", giveUp);
  try {
    signal?.throwIfAborted();
    await redis.connect();
    return client;
  } catch (error) {
    client.close();
    throw signal?.aborted ? signal.reason : client.lastError ?? error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

function toIoredis(
  options: RedisConnectOptions,
): Omit<RedisOptions, "replyMapping"> {
  const { hostname, port = 6379, tls, caCerts, maxRetryCount = 10 } = options;
  const secure = tls || caCerts !== undefined;
  return {
    host: hostname,
    port: Number(port),
    family: 0,
    ...(secure ? { tls: caCerts === undefined ? {} : { ca: caCerts } } : {}),
    ...(options.db === undefined ? {} : { db: options.db }),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    noDelay: options.noDelay ?? false,
    lazyConnect: true,
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    autoResubscribe: false,
    enableOfflineQueue: maxRetryCount > 0,
    maxRetriesPerRequest: maxRetryCount,
    // How long a socket that is gone already is waited for at the end.
    disconnectTimeout: 1,
    retryStrategy: (times) => times <= maxRetryCount ? 50 : null,
  };
}

class Client implements Redis {
  /** Where the package keeps what the connection was made with. */
  readonly client: {
    connection: {
      hostname: string;
      port: number | string;
      options: Omit<RedisConnectOptions, "hostname" | "port">;
    };
  };
  lastError: Error | undefined;
  readonly #redis: Ioredis;
  #closed = false;
  #messages: ReturnType<typeof messagesOf> | undefined;

  constructor(redis: Ioredis, options: RedisConnectOptions) {
    const { hostname, port = 6379, ...rest } = options;
    this.client = { connection: { hostname, port, options: rest } };
    this.#redis = redis;
    redis.on("error", (error: Error) => {
      if (this.lastError instanceof ErrorReplyError) return;
      // The package reads what came before it asked as the reply to its first command.
      const words = / Last error: (.*)$/s.exec(error.message)?.[1];
      this.lastError = words === undefined
        ? error
        : new ErrorReplyError(`-${words}`);
    });
  }

  get isConnected(): boolean {
    return this.#redis.status === "ready";
  }

  get isClosed(): boolean {
    return this.#closed || this.#redis.status === "end";
  }

  async sendCommand(
    command: string,
    args: RedisValue[] = [],
    options: SendCommandOptions = {},
  ): Promise<RedisReply> {
    const name = command.toUpperCase();
    const values = args.map(toArg);
    let reply: RedisReply;
    try {
      if (name === "SUBSCRIBE") {
        // From before the confirmation on, as no message may be missed after it.
        this.#messages ??= messagesOf(this.#redis);
        const count = await this.#redis.subscribe(...values.map(String));
        return ["subscribe", String(args.at(-1)), Number(count)];
      }
      reply = toReply(
        await (options.returnUint8Arrays
          ? this.#redis.callBuffer(name, values)
          : this.#redis.call(name, values)),
      );
    } catch (error) {
      throw toError(error) ?? this.#lostError();
    }
    if (reply instanceof ErrorReplyError) throw reply;
    return reply;
  }

  pipeline(): RedisPipeline {
    let commands: [string, RedisValue[], SendCommandOptions][] = [];
    return {
      sendCommand: (command, args = [], options = {}) => {
        commands.push([command, args, options]);
        return Promise.resolve("OK");
      },
      flush: () => {
        const batch = commands;
        commands = [];
        return this.#flush(batch);
      },
    };
  }

  async subscribe(...channels: string[]): Promise<RedisSubscription> {
    await this.sendCommand("SUBSCRIBE", channels);
    const messages = this.#messages ??= messagesOf(this.#redis);
    return { receive: () => messages, close: () => this.close() };
  }

  close(): void {
    this.#closed = true;
    const { stream, status } = this.#redis;
    this.#redis.options.retryStrategy = null;
    // `disconnect()` waits for the other side, which may be gone.
    if (stream && !stream.destroyed) stream.destroy();
    else if (status !== "end" && status !== "close") this.#redis.disconnect();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #lostError(): Error {
    return this.lastError ?? new EOFError();
  }

  async #flush(
    batch: [string, RedisValue[], SendCommandOptions][],
  ): Promise<RedisReply[]> {
    const pipeline = this.#redis.pipeline();
    for (const [command, args, options] of batch) {
      const values = args.map(toArg);
      // Upper case: ioredis gives replies of commands it knows, such as "hgetall", another shape.
      const name = command.toUpperCase();
      if (options.returnUint8Arrays) pipeline.callBuffer(name, values);
      else pipeline.call(name, values);
    }
    const results = await pipeline.exec() ?? [];
    return results.map(([error, reply]) => {
      if (!error) return toReply(reply);
      const known = toError(error);
      if (known === undefined) throw this.#lostError();
      return known;
    });
  }
}

function toArg(value: RedisValue): string | number | Buffer {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value;
}

function toReply(reply: unknown): RedisReply {
  if (reply instanceof Uint8Array) return new Uint8Array(reply);
  if (!Array.isArray(reply)) return toError(reply) ?? reply as RedisReply;
  const items = reply.map(toReply);
  // The package gives up reading an array at the first error inside it.
  return items.find((item) => item instanceof ErrorReplyError) ?? items;
}

function toError(error: unknown): ErrorReplyError | undefined {
  return error instanceof Error && error.name === "ReplyError"
    ? new ErrorReplyError(`-${error.message}`)
    : undefined;
}

/** Messages from now on, until the connection is closed. */
function messagesOf(
  redis: Ioredis,
): AsyncIterableIterator<{ channel: string; message: string }> {
  const messages = new ReadableStream<{ channel: string; message: string }>({
    start(controller) {
      redis.on("message", (channel: string, message: string) => {
        controller.enqueue({ channel, message });
      });
      redis.once("close", () => {
        redis.removeAllListeners("message");
        controller.close();
      });
    },
    cancel() {
      redis.removeAllListeners("message");
      redis.disconnect();
    },
  });
  return messages[Symbol.asyncIterator]();
}
