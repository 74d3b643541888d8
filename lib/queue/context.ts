/**
 * What queues and jobs share: the connection, the store, and the one waiter for results.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { connect } from "../redis/connect.ts";
import { urlFromEnvironment } from "../redis/environment.ts";
import type { ExistingClient } from "../redis/existing_client.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import { JobStore } from "../store/job_store.ts";
import { Keys } from "../store/keys.ts";
import { ResultWaiter } from "./result_waiter.ts";

/** The connection of a queue, to be shared with others. */
export interface Connection extends AsyncDisposable {
  /** Where it connects to, the password masked. */
  readonly url: string;
  /** Closes it for all that share it. */
  close(): Promise<void>;
}

/**
 * Where Redis is: a URL (`redis://`, `rediss://`, `unix:`), a connected client of
 * `@db/redis` or `ioredis`, or the `connection` of another queue.
 */
export type ConnectionSource = string | URL | ExistingClient | Connection;

/** Options that everything with a connection takes. */
export interface ConnectionOptions {
  /**
   * Where Redis is.
   *
   * @default what the environment says: RQ_REDIS_URL, REDIS_URL, or REDIS_HOST and the like; else redis://127.0.0.1:6379
   */
  readonly connection?: ConnectionSource;
  /**
   * What every key begins with. Python's RQ before 3.0 only sees `rq:`.
   *
   * @default the environment's RQ_KEY_PREFIX and a colon, as in RQ 3.0, else "rq:"
   */
  readonly prefix?: string;
  /**
   * How long a call waits for a connection before it fails: seconds, parts of them too, or text; `Infinity` for ever.
   *
   * @default 10; for ever in a worker
   */
  readonly connectTimeout?: Duration;
  /**
   * Which package talks to Redis.
   *
   * @default "@db/redis"; "ioredis" for `unix:` URLs
   */
  readonly driver?: "@db/redis" | "ioredis";
  /**
   * Whether integers in arguments and results that a number of JavaScript cannot hold are read as BigInt, and BigInts
   * stored as the integers that they are. Without it neither is done: reading such a number is an error that
   * names it, and a job with one among its arguments fails. A worker and a queue decide for themselves.
   *
   * @default false
   */
  readonly bigInts?: boolean;
}

/** The names of {@linkcode ConnectionOptions}. */
export const CONNECTION_OPTIONS: Readonly<
  Record<keyof ConnectionOptions, true>
> = {
  connection: true,
  prefix: true,
  connectTimeout: true,
  driver: true,
  bigInts: true,
};

const KNOWN = optionNames<ConnectionOptions>(CONNECTION_OPTIONS);

/** Connects for a call that takes nothing but {@linkcode ConnectionOptions}. */
export function openContext(
  options: ConnectionOptions,
  action: string,
): Context {
  refuseUnknown(options, KNOWN, action);
  return new Context(options);
}

/** The time limit as the client takes it, in milliseconds. */
export function connectTimeoutOf(
  { connectTimeout }: ConnectionOptions,
): { connectTimeout?: number } {
  if (connectTimeout === undefined) return {};
  const allow = { fraction: true, infinite: true };
  const seconds = parseDuration(connectTimeout, "connectTimeout", allow);
  return { connectTimeout: seconds * 1_000 };
}

/** A connection with what hangs on it. */
export class Context {
  readonly client: RedisClient;
  readonly store: JobStore;
  /** Whether BigInts are read and written. */
  readonly bigInts: boolean;
  readonly #owned: boolean;
  #waiter: SharedWaiter | undefined;

  /** Connects, or takes the connection that the options bring along. */
  constructor(options: ConnectionOptions) {
    const source = options.connection ?? urlFromEnvironment();
    this.#owned = !isRedisClient(source);
    this.client = isRedisClient(source)
      ? source
      : connect(source as Exclude<typeof source, Connection>, {
        ...connectTimeoutOf(options),
        ...(options.driver === undefined ? {} : { driver: options.driver }),
      });
    this.bigInts = options.bigInts ?? false;
    this.store = new JobStore(this.client, new Keys(options.prefix));
  }

  /** Waits for results; all that use one connection share it. */
  get waiter(): ResultWaiter {
    this.#waiter ??= shareWaiter(this.store);
    return this.#waiter.waiter;
  }

  /** Closes the connection if this context has made it. */
  async close(): Promise<void> {
    const shared = this.#waiter;
    this.#waiter = undefined;
    if (shared !== undefined && --shared.users === 0) {
      waiters.get(this.client)?.delete(this.store.keys.prefix);
      await shared.waiter.close();
    }
    if (this.#owned) await this.client.close();
  }
}

interface SharedWaiter {
  readonly waiter: ResultWaiter;
  users: number;
}

/** One waiter for each connection and prefix: each has a blocking connection. */
const waiters = new WeakMap<RedisClient, Map<string, SharedWaiter>>();

function shareWaiter(store: JobStore): SharedWaiter {
  const byPrefix = waiters.get(store.client) ?? new Map();
  waiters.set(store.client, byPrefix);
  const { prefix } = store.keys;
  const shared = byPrefix.get(prefix) ??
    { waiter: new ResultWaiter(store), users: 0 };
  byPrefix.set(prefix, shared);
  shared.users++;
  return shared;
}

/** Tells whether a connection was handed in ready-made. */
export function isRedisClient(source: ConnectionSource): source is RedisClient {
  return typeof source === "object" && "send" in source &&
    "blocking" in source && typeof source.blocking === "function";
}
