/**
 * The interface between this project and Redis, whichever driver is behind it.
 *
 * @module
 */

/** One argument of a command. Numbers are sent as decimal text. */
export type RedisArg = string | number | Uint8Array;

/** A reply. Bulk and simple strings are `string`, or `Uint8Array` for a call with `binary`. */
export type RedisReply = string | number | null | Uint8Array | RedisReply[];

/** How one call is sent. */
export interface SendOptions {
  /**
   * Return strings in the reply as bytes, without decoding.
   *
   * @default false
   */
  readonly binary?: boolean;
  /**
   * Whether the call may be sent again if the connection is lost before its reply.
   * Only for idempotent calls. Without it, such a call is rejected with a
   * {@linkcode ConnectionLostError}. A call that has not been written yet is sent
   * after the reconnect in any case.
   *
   * @default false
   */
  readonly resend?: boolean;
  /**
   * The source of the script of an `EVALSHA`. The first call of a script on a connection is sent as `EVAL` with
   * this source; so is a call again that meets a server that has forgotten the script. It keeps its place in the
   * order of calls.
   */
  readonly source?: string;
  /** Rejects the call with the signal's reason; what was already sent cannot be taken back. */
  readonly signal?: AbortSignal;
}

/** A package that talks to Redis. */
export type DriverName = "@db/redis" | "ioredis";

/** The packages that can talk to Redis. */
export const DRIVERS: readonly DriverName[] = ["@db/redis", "ioredis"];

/** How a {@linkcode RedisClient} connects. */
export interface RedisClientOptions {
  /**
   * Milliseconds that a call waits for a connection before it is rejected with
   * a {@linkcode ConnectionLostError} naming the URL. `Infinity` waits for ever (workers).
   *
   * @default 10_000
   */
  readonly connectTimeout?: number;
  /**
   * Milliseconds after which a connection counts as dead if a call is in flight
   * and no reply comes: it is dropped and opened anew.
   *
   * @default 10_000
   */
  readonly replyTimeout?: number;
  /**
   * Which package talks to Redis.
   *
   * @default "@db/redis", and "ioredis" for `unix:` URLs, which `@db/redis` cannot open
   */
  readonly driver?: DriverName;
  /**
   * One of the keys, which tells the slot that all of them are on. A Redis Cluster needs it.
   *
   * @default none
   */
  readonly slotKey?: string;
  /** The name shown by `CLIENT LIST`. */
  readonly name?: string;
  /**
   * Called once per change: `down` when the connection is lost or cannot be
   * opened (the first one too), and `up` when it is back. A connection that
   * succeeds at the first attempt is no change. `@db/redis` does not notice the
   * loss of an idle connection before the next call.
   */
  readonly onState?: (state: ConnectionState) => void;
  /** Called with warnings about the server, such as a `maxmemory-policy` that may evict jobs. */
  readonly onWarning?: (message: string) => void;
}

/** The argument of {@linkcode RedisClientOptions.onState}. */
export type ConnectionState =
  | { readonly state: "down"; readonly url: string; readonly error: Error }
  | { readonly state: "up"; readonly url: string; readonly downFor: number };

/** A connection that reconnects by itself. Calls made in one tick share a round trip. */
export interface RedisClient extends AsyncDisposable {
  /** The server's URL, the password masked. */
  readonly url: string;
  /**
   * Sends one command. An error reply rejects this call alone with a {@linkcode ReplyError};
   * what cannot be sent rejects it with a `TypeError`: an argument of another type, or a command such as
   * `MULTI`, `SUBSCRIBE` or `SELECT` that would change the connection for other callers.
   */
  send(
    command: string,
    args?: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply>;
  /** Opens a further connection to the same server, for one blocking call at a time. */
  blocking(): BlockingClient;
  /**
   * Subscribes to a channel over a separate connection, and again after every
   * reconnect. Resolves once the server has confirmed it; rejects as {@linkcode send}
   * does, or with a {@linkcode ReplyError} if the user may not subscribe to it.
   */
  subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<Subscription>;
  /** Closes this client and every blocking client and subscription made from it. Pending calls are rejected. */
  close(): Promise<void>;
}

/** A connection for blocking commands (`BLMOVE`, `XREAD BLOCK`). */
export interface BlockingClient extends AsyncDisposable {
  /** Whether there is a connection now, as far as is known. */
  readonly connected: boolean;
  /**
   * Sends one blocking command. `blockMs` is how long the server may block. If no
   * reply comes within that time plus the reply timeout, the connection is dropped
   * and the call is rejected with {@linkcode ConnectionLostError}.
   */
  send(
    command: string,
    args: readonly RedisArg[],
    options: { readonly blockMs: number; readonly binary?: boolean },
  ): Promise<RedisReply>;
  /**
   * Ends the pending call, if any, as if it had timed out (`CLIENT UNBLOCK`), and resolves
   * once it has ended. If it obtains a value at that very moment, that is still its reply. If
   * no reply comes within a second, the connection is dropped.
   */
  unblock(): Promise<void>;
  /** Closes the connection; a pending call is rejected. */
  close(): Promise<void>;
}

/** A running subscription. */
export interface Subscription extends AsyncDisposable {
  /** Drops the connection and subscribes again; for a watchdog that missed a message. */
  restart(): void;
  /** Ends it. */
  close(): Promise<void>;
}

/** Redis answered this one command with an error. */
export class ReplyError extends Error {
  /** The class of the error. */
  override readonly name = "ReplyError";
  /** The first word of the reply: `ERR`, `WRONGTYPE`, `NOSCRIPT`, … */
  readonly code: string;

  /** Takes the text of the error reply. */
  constructor(message: string) {
    super(message);
    this.code = message.split(" ", 1)[0] ?? "ERR";
  }
}

/** There is no connection, or it was lost before the reply; the server may or may not have executed the command. */
export class ConnectionLostError extends Error {
  /** The class of the error. */
  override readonly name = "ConnectionLostError";
  /** Whether the command had been written, so that the server may have executed it. */
  readonly sent: boolean;

  /** `sent`: whether the command had been written. */
  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.sent = options.sent;
  }
}

/**
 * Redis cannot take this call, now or later: it is larger than the server allows, the server answered
 * with a protocol error, or the connection was lost each time it was sent.
 */
export class CallRefusedError extends Error {
  /** The class of the error. */
  override readonly name = "CallRefusedError";
  /** How large the call is, in bytes. */
  readonly bytes: number;
  /** Whether it had been written, so that the server may have executed it. */
  readonly sent: boolean;

  /** `bytes`: how large the call is; `sent`: whether it had been written. */
  constructor(
    message: string,
    options: { bytes: number; sent: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.bytes = options.bytes;
    this.sent = options.sent;
  }
}

/** The server refuses us for good: a wrong password, or a Redis that is too old. It does not try to reconnect. */
export class ConnectionRefusedError extends Error {
  /** The class of the error. */
  override readonly name = "ConnectionRefusedError";
}
