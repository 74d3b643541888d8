/**
 * The options that say where Redis is and what its keys begin with. Queues, jobs, workers and the command line share
 * them.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { connect } from "../redis/connect.ts";
import { urlFromEnvironment } from "../redis/environment.ts";
import type { ExistingClient } from "../redis/existing_client.ts";
import type {
  DriverName,
  RedisClient,
  RedisClientOptions,
} from "../redis/redis_client.ts";
import { Keys } from "./keys.ts";

/** The connection of a queue, which can be shared. */
export interface Connection extends AsyncDisposable {
  /** The server's URL, the password masked. */
  readonly url: string;
  /** Closes it for everything that shares it. */
  close(): Promise<void>;
}

/**
 * Where Redis is: a URL (`redis://`, `rediss://`, `unix:`, `redis-sentinel://`, `redis-cluster://`), a connected client of
 * `@db/redis` or `ioredis`, or the `connection` of another queue.
 */
export type ConnectionSource = string | URL | ExistingClient | Connection;

/** Options of everything that has a connection. */
export interface ConnectionOptions {
  /**
   * Where Redis is.
   *
   * @default from the environment: RQ_REDIS_URL, REDIS_URL, or REDIS_HOST and the like; else redis://127.0.0.1:6379
   */
  readonly connection?: ConnectionSource;
  /**
   * The prefix of every key. Python's RQ before 3.0 knows only `rq:`.
   *
   * @default RQ_KEY_PREFIX of the environment and a colon, as in RQ 3.0, else "rq:"
   */
  readonly prefix?: string;
  /**
   * How long a call waits for a connection before it fails: seconds (also fractions) or text; `Infinity` for ever.
   *
   * @default 10; `Infinity` in a worker
   */
  readonly connectTimeout?: Duration;
  /**
   * Which package talks to Redis.
   *
   * @default "@db/redis"; "ioredis" for `unix:` URLs
   */
  readonly driver?: DriverName;
  /**
   * Whether integers in arguments and results that a JavaScript number cannot hold are read as BigInt, and BigInts are
   * stored as integers. If not, storing a BigInt is an error, reading such an integer is an error that names it, and a
   * job with one among its arguments fails. Set it for the queue and for the worker.
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

/** A client, and who closes it. */
export interface OpenConnection {
  /** The client. */
  readonly client: RedisClient;
  /** Whether it was opened here, and so has to be closed; one that was passed in belongs to the caller. */
  readonly isOwn: boolean;
}

/**
 * Connects to the Redis of the options, else of the environment; or uses the open connection in the options.
 *
 * @param defaults Defaults of the client's options.
 * @throws {RangeError | TypeError} It names the option or the variable that is wrong.
 */
export function openConnection(
  options: ConnectionOptions,
  defaults: RedisClientOptions = {},
): OpenConnection {
  const { connection: source = urlFromEnvironment(), driver } = options;
  if (isRedisClient(source)) return { client: source, isOwn: false };
  // `connect()` refuses an object that is neither a URL nor a client.
  const target = source as Exclude<typeof source, Connection>;
  const client = connect(target, {
    ...defaults,
    slotKey: new Keys(options.prefix).prefix,
    ...connectTimeoutOf(options),
    ...(driver === undefined ? {} : { driver }),
  });
  return { client, isOwn: true };
}

/** Converts `connectTimeout` to the client's milliseconds. */
function connectTimeoutOf(
  { connectTimeout }: ConnectionOptions,
): { connectTimeout?: number } {
  if (connectTimeout === undefined) return {};
  const allow = { fraction: true, infinite: true };
  const seconds = parseDuration(connectTimeout, "connectTimeout", allow);
  return { connectTimeout: seconds * 1_000 };
}

/** Whether the source is an open connection rather than something to connect to. */
function isRedisClient(source: ConnectionSource): source is RedisClient {
  return typeof source === "object" && "send" in source &&
    "blocking" in source && typeof source.blocking === "function";
}
