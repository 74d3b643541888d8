/**
 * How everything that has a connection is told where Redis is, and what its keys begin with: queues, jobs, workers
 * and the program.
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
  readonly driver?: DriverName;
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

/** A client, and whether it is ours to close. */
export interface OpenConnection {
  /** The client. */
  readonly client: RedisClient;
  /** Whether it was made here; one that was handed in is closed by whoever made it. */
  readonly isOwn: boolean;
}

/**
 * Connects to where the options, else the environment, say that Redis is, or takes the connection that the options
 * bring along.
 *
 * @param defaults what holds unless the options say otherwise
 * @throws {RangeError | TypeError} naming the option or the variable that is wrong
 */
export function openConnection(
  options: ConnectionOptions,
  defaults: RedisClientOptions = {},
): OpenConnection {
  const { connection: source = urlFromEnvironment(), driver } = options;
  if (isRedisClient(source)) return { client: source, isOwn: false };
  // What only looks like a connection of ours is refused by `connect()`.
  const target = source as Exclude<typeof source, Connection>;
  const client = connect(target, {
    ...defaults,
    ...connectTimeoutOf(options),
    ...(driver === undefined ? {} : { driver }),
  });
  return { client, isOwn: true };
}

/** The time limit as the client takes it, in milliseconds. */
function connectTimeoutOf(
  { connectTimeout }: ConnectionOptions,
): { connectTimeout?: number } {
  if (connectTimeout === undefined) return {};
  const allow = { fraction: true, infinite: true };
  const seconds = parseDuration(connectTimeout, "connectTimeout", allow);
  return { connectTimeout: seconds * 1_000 };
}

/** Tells whether a connection was handed in ready-made. */
function isRedisClient(source: ConnectionSource): source is RedisClient {
  return typeof source === "object" && "send" in source &&
    "blocking" in source && typeof source.blocking === "function";
}
