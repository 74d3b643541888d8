/**
 * The seam between this project and Redis: what the rest may ask of a
 * connection, whichever driver is behind it.
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
   * Give strings of the reply as bytes, untouched.
   *
   * @default false
   */
  readonly binary?: boolean;
  /**
   * Whether the call may be sent again after the connection was lost between
   * sending it and its reply. Only for calls that, done twice, do what they do
   * once. Without it such a call is rejected with a {@linkcode ConnectionLostError}.
   * A call that was never written is sent after the reconnect in any case.
   *
   * @default false
   */
  readonly resend?: boolean;
  /**
   * The source of the script that an `EVALSHA` names. If the server does not know
   * it, the call is repeated as `EVAL` with this source, and keeps its place in
   * the order of calls.
   */
  readonly source?: string;
  /** Rejects the call with the signal's reason; what was already sent cannot be taken back. */
  readonly signal?: AbortSignal;
}

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
   * Milliseconds without any reply while a call is in flight after which the
   * connection counts as dead: it is dropped and made anew.
   *
   * @default 10_000
   */
  readonly replyTimeout?: number;
  /**
   * Which package talks to Redis.
   *
   * @default "@db/redis", and "ioredis" for `unix:` URLs, which `@db/redis` cannot open
   */
  readonly driver?: "@db/redis" | "ioredis";
  /** The name shown by `CLIENT LIST`. */
  readonly name?: string;
  /**
   * Told once per change: `down` when the connection is lost or cannot be made,
   * at the start too, and `up` when it is back. A connection that is made at the
   * first try is no change. `@db/redis` does not notice the loss of an idle
   * connection before the next call.
   */
  readonly onState?: (state: ConnectionState) => void;
  /** Told of what is worth a warning at connect time, such as a `maxmemory-policy` that may evict jobs. */
  readonly onWarning?: (message: string) => void;
}

/** What {@linkcode RedisClientOptions.onState} is told. */
export type ConnectionState =
  | { readonly state: "down"; readonly url: string; readonly error: Error }
  | { readonly state: "up"; readonly url: string; readonly downFor: number };

/** A connection that reconnects by itself. Calls made in one tick share a round trip. */
export interface RedisClient extends AsyncDisposable {
  /** Where it connects to, the password masked. */
  readonly url: string;
  /**
   * Sends one command. An error reply rejects this call alone with a {@linkcode ReplyError},
   * what cannot be sent with a `TypeError`: an argument of another type, or a command such as
   * `MULTI`, `SUBSCRIBE` or `SELECT` that would change the connection for the calls of others.
   */
  send(
    command: string,
    args?: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply>;
  /** A further connection to the same server for one blocking call at a time. */
  blocking(): BlockingClient;
  /**
   * Listens on a channel over a connection of its own, resubscribing after every
   * reconnect. Resolves once the server confirmed it; rejects as {@linkcode send}
   * does, or with a {@linkcode ReplyError} if the user may not listen there.
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
  /** Whether there is a connection now, as far as it is known. */
  readonly connected: boolean;
  /**
   * Sends one blocking command. `blockMs` is how long the server may block; if
   * nothing at all came back for that long plus the reply timeout, the connection is
   * dropped and the call rejected with {@linkcode ConnectionLostError}.
   */
  send(
    command: string,
    args: readonly RedisArg[],
    options: { readonly blockMs: number; readonly binary?: boolean },
  ): Promise<RedisReply>;
  /**
   * Ends the pending call, if any, as if its time had run out (`CLIENT UNBLOCK`), and resolves
   * once it has ended. What it caught in that instant is still its reply. If nothing comes
   * back within a second, the connection is dropped.
   */
  unblock(): Promise<void>;
  /** Closes the connection; a pending call is rejected. */
  close(): Promise<void>;
}

/** A running subscription. */
export interface Subscription extends AsyncDisposable {
  /** Drops the connection and subscribes again; for a watchdog that saw a message go missing. */
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

  /** Made from the text of the error reply. */
  constructor(message: string) {
    super(message);
    this.code = message.split(" ", 1)[0] ?? "ERR";
  }
}

/** There is no connection, or it broke before the reply; the command may or may not have been carried out. */
export class ConnectionLostError extends Error {
  /** The class of the error. */
  override readonly name = "ConnectionLostError";
  /** Whether the command had been written, so that it may have been carried out. */
  readonly sent: boolean;

  /** Made by the client. */
  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.sent = options.sent;
  }
}

/**
 * This one call cannot be brought to Redis, now or later: the server calls it a protocol error, it is
 * larger than the server takes, or the connection was cut each time that it was sent.
 */
export class CallRefusedError extends Error {
  /** The class of the error. */
  override readonly name = "CallRefusedError";
  /** How large the call is, in bytes. */
  readonly bytes: number;
  /** Whether it had been written, so that it may have been carried out. */
  readonly sent: boolean;

  /** Made by the client. */
  constructor(
    message: string,
    options: { bytes: number; sent: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.bytes = options.bytes;
    this.sent = options.sent;
  }
}

/** The server refuses us for good: wrong password, or a Redis that is too old. No reconnect is tried. */
export class ConnectionRefusedError extends Error {
  /** The class of the error. */
  override readonly name = "ConnectionRefusedError";
}
