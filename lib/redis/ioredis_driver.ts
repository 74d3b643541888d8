/**
 * The driver for `npm:ioredis`: for unix sockets, and for programs that use ioredis anyway. The package is loaded only when used.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import {
  type Command,
  type Connection,
  ConnectionEnd,
  toError,
} from "./driver.ts";
import type { Driver } from "./driver.ts";
import type { RedisArg, RedisReply } from "./redis_client.ts";
import { ReplyError } from "./redis_client.ts";
import type { Credentials, RedisTarget } from "./url.ts";

/** Options that reduce `ioredis` to one physical connection that does nothing by itself. */
export const QUIET: PlainOptions = {
  lazyConnect: true,
  protocol: 2,
  disableClientInfo: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  reconnectOnError: null,
  noDelay: true,
};

/** The methods of an `ioredis` pipeline or client that send any command. */
interface Caller {
  call(name: string, args: IoredisArg[]): unknown;
  callBuffer(name: string, args: IoredisArg[]): unknown;
}

/** Without `replyMapping`, whose type does not compile with `exactOptionalPropertyTypes`. */
type PlainOptions = Omit<RedisOptions, "replyMapping">;

type IoredisArg = string | number | Buffer;

/** Connects with `ioredis`. */
export class IoredisDriver implements Driver {
  readonly url: string;
  readonly credentials: Credentials | undefined;
  readonly direct: boolean;
  readonly #make: () => Promise<Redis | Cluster>;

  /** `make` creates an unconnected client with the options {@linkcode QUIET}. */
  constructor(
    options: {
      url: string;
      credentials: Credentials | undefined;
      direct: boolean;
      make: () => Promise<Redis | Cluster>;
    },
  ) {
    this.url = options.url;
    this.credentials = options.credentials;
    this.direct = options.direct;
    this.#make = options.make;
  }

  /** A driver for a URL. */
  static forTarget(target: RedisTarget): IoredisDriver {
    const { address, caCerts } = target;
    const tls = caCerts === undefined ? {} : { ca: [...caCerts] };
    const where: PlainOptions = "path" in address ? { path: address.path } : {
      host: address.hostname,
      port: address.port,
      family: 0,
      ...(address.tls ? { tls } : {}),
    };
    return new IoredisDriver({
      url: target.url,
      credentials: target.credentials,
      direct: true,
      make: async () => {
        const { Redis } = await import("ioredis");
        return new Redis({ ...QUIET, ...where });
      },
    });
  }

  /** Makes one attempt. */
  async dial(signal: AbortSignal): Promise<Connection> {
    const redis = await this.#make();
    const connection = new IoredisConnection(redis, { owned: true });
    const giveUp = () => connection.close(toError(signal.reason));
    signal.addEventListener("abort", giveUp);
    try {
      signal.throwIfAborted();
      await connection.open();
      return connection;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }
}

/** A connection over one `ioredis` client. */
export class IoredisConnection implements Connection {
  readonly #redis: Redis | Cluster;
  readonly #owned: boolean;
  readonly #end = new ConnectionEnd();
  #lastError: Error | undefined;

  /** Wraps a client. One that is not `owned` is never closed, nor listened to. */
  constructor(redis: Redis | Cluster, options: { owned: boolean }) {
    this.#redis = redis;
    this.#owned = options.owned;
    if (!options.owned) return;
    // Without a listener, ioredis prints errors. They become the reason when the connection ends.
    redis.on("error", (error: Error) => {
      if (this.#lastError instanceof ReplyError) return;
      const words = UNASKED.exec(error.message)?.[1];
      this.#lastError = words === undefined ? error : new ReplyError(words);
    });
    redis.on("close", () => this.close(this.#reasonFor(undefined)));
  }

  get ended(): Promise<Error> {
    return this.#end.promise;
  }

  /** Connects. */
  async open(): Promise<void> {
    try {
      await this.#end.guard(this.#redis.connect());
      this.#heedFirstWords();
    } catch (error) {
      const reason = this.#reasonFor(error);
      this.close(reason);
      throw reason;
    }
  }

  /** See {@linkcode Connection.pipeline}. */
  async pipeline(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    try {
      return await this.#end.guard(
        this.#redis.isCluster
          ? this.#sendEach(commands)
          : this.#sendTogether(commands),
      );
    } catch (error) {
      const reason = this.#reasonFor(error);
      this.close(reason);
      throw reason;
    }
  }

  /** See {@linkcode Connection.subscribe}. */
  async subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<void> {
    this.#redis.on("message", (_: string, message: string) => {
      onMessage(message);
    });
    try {
      await this.#end.guard(this.#redis.subscribe(channel));
    } catch (error) {
      throw isReplyError(error) ? new ReplyError(error.message) : error;
    }
  }

  /** See {@linkcode Connection.close}. */
  close(reason: Error): void {
    if (this.#end.reached) return;
    this.#end.reach(reason);
    if (!this.#owned) return;
    const stream = (this.#redis as { stream?: { destroy(): void } }).stream;
    // Not `disconnect()`: it waits two seconds for the other side, which may be
    // gone. What else it does, stopping a reconnect, is not needed here.
    if (stream === undefined || stream === null) this.#redis.disconnect();
    else stream.destroy();
  }

  /** A server with too many clients sends an error without being asked, which the package drops. */
  #heedFirstWords(): void {
    const { stream } = this.#redis as Partial<Pick<Redis, "stream">>;
    stream?.once("data", (chunk: Uint8Array) => {
      const [, words] = /^-(.*)\r\n/.exec(new TextDecoder().decode(chunk)) ??
        [];
      if (words !== undefined) this.#lastError = new ReplyError(words);
    });
  }

  /** The rejection only says "Connection is closed."; the error event before it tells why. */
  #reasonFor(error: unknown): Error {
    if (this.#lastError !== undefined) return this.#lastError;
    if (error instanceof Error && "command" in error) {
      // This error has the call's arguments in a property: passwords, or the arguments of jobs. Do not pass it on.
      return new Error(error.message);
    }
    return error === undefined || toError(error).message === CLOSED
      ? new Error("the server closed the connection")
      : toError(error);
  }

  async #sendTogether(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    const pipeline = (this.#redis as Redis).pipeline();
    for (const command of commands) call(pipeline as Caller, command);
    const results = await pipeline.exec() ?? [];
    return results.map(([error, reply]) => {
      return error === null || error === undefined
        ? toReply(reply)
        : toReplyError(error);
    });
  }

  /** A pipeline in a Cluster must stay in one slot, so commands are sent one by one. */
  async #sendEach(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    return await Promise.all(commands.map(async (command) => {
      try {
        const caller = this.#redis as unknown as Caller;
        return toReply(await call(caller, withKey(command)));
      } catch (error) {
        return toReplyError(error);
      }
    }));
  }
}

/** How ioredis reports an error that the server sent without being asked. */
const UNASKED = /^Command queue state error.* Last error: (.*)$/s;

/** The message with which ioredis rejects pending calls when the connection ends. */
const CLOSED = "Connection is closed.";

/** A script that declares no keys is sent to any server of a Cluster. With the prefix as a key it finds the one with our keys. */
function withKey(command: Command): Command {
  const { name, args: [script, keys, ...args] } = command;
  const isScript = name === "EVAL" || name === "EVALSHA";
  const [prefix] = args;
  if (!isScript || textOf(keys) !== "0" || prefix === undefined) return command;
  return { ...command, args: [script!, 1, prefix, ...args] };
}

function textOf(arg: RedisArg | undefined): string {
  return arg instanceof Uint8Array
    ? new TextDecoder().decode(arg)
    : String(arg);
}

function call(caller: Caller, command: Command): unknown {
  const args = command.args.map((arg) =>
    arg instanceof Uint8Array
      ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)
      : arg
  );
  // ioredis transforms arguments and replies of some commands, such as "hgetall".
  // It recognizes them by their lower-case names only.
  const name = command.name.toUpperCase();
  return command.binary
    ? caller.callBuffer(name, args)
    : caller.call(name, args);
}

/** Returns an error reply; any other error means that the connection is gone, and is thrown. */
function toReplyError(error: unknown): ReplyError {
  if (!isReplyError(error)) throw error;
  return new ReplyError(error.message);
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/** An error inside an array becomes the whole reply: a caller could not tell it from data. */
function toReply(reply: unknown): RedisReply | ReplyError {
  // A copy: a small buffer is a slice of the whole chunk that was read, and would keep it in memory.
  if (reply instanceof Uint8Array) return new Uint8Array(reply);
  if (reply instanceof Error) return new ReplyError(reply.message);
  if (!Array.isArray(reply)) return reply as RedisReply;
  const items: RedisReply[] = [];
  for (const item of reply) {
    const inner = toReply(item);
    if (inner instanceof ReplyError) return inner;
    items.push(inner);
  }
  return items;
}
