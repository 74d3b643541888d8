/**
 * Clients of `@db/redis` or `ioredis` that the user has connected already.
 * They are recognized by their shape: `instanceof` fails where two copies of a
 * package are loaded, and would make this module load both packages.
 *
 * @module
 */

import type { Redis as DbRedis } from "@db/redis";
import type { Cluster, Redis as Ioredis } from "ioredis";
import type { Drivers } from "./client.ts";
import { DbRedisConnection, DbRedisDriver } from "./db_redis_driver.ts";
import type { Driver } from "./driver.ts";
import { IoredisConnection, IoredisDriver, QUIET } from "./ioredis_driver.ts";
import { type Address, type Credentials, formatUrl } from "./url.ts";

/** A connected client of `@db/redis`: the members that are used here. */
export interface ExistingDbRedisClient {
  /** Whether it is connected. */
  readonly isConnected: boolean;
  /** Sends one command. */
  sendCommand(
    command: string,
    args?: (string | number | Uint8Array)[],
    options?: { returnUint8Arrays?: boolean },
  ): Promise<unknown>;
  /** Starts a pipeline. */
  pipeline(): { flush(): Promise<unknown[]> };
}

/** A client of `ioredis`, standalone, Sentinel or Cluster: the members that are used here. */
export interface ExistingIoredisClient {
  /** Its state, such as `"ready"`. */
  readonly status: string;
  /** Whether it is a Cluster. */
  readonly isCluster: boolean;
  /** Sends one command and returns the reply as bytes. */
  callBuffer(
    command: string,
    args: (string | number)[],
  ): Promise<unknown>;
}

/** A client that the user has connected and will close. */
export type ExistingClient = ExistingDbRedisClient | ExistingIoredisClient;

/**
 * The drivers for an existing client: calls go through the client itself;
 * separate connections are opened with the same options.
 *
 * @throws {TypeError} If it is not such a client, or its options change keys or replies.
 */
export function driversFor(client: ExistingClient): Drivers {
  if (isIoredis(client)) {
    return driversForIoredis(client as unknown as Ioredis | Cluster);
  }
  if (isDbRedis(client)) return driversForDbRedis(client as DbRedis);
  throw new TypeError(
    "Cannot use this as a connection: it is neither a URL nor a client of @db/redis or ioredis",
  );
}

function isIoredis(client: object): boolean {
  return "callBuffer" in client && typeof client.callBuffer === "function" &&
    "duplicate" in client && typeof client.duplicate === "function";
}

function isDbRedis(client: object): boolean {
  return "sendCommand" in client && typeof client.sendCommand === "function" &&
    "pipeline" in client && typeof client.pipeline === "function" &&
    "isConnected" in client;
}

/** Private fields of `@db/redis` 0.41 that hold its options. Being private, they may be missing. */
interface DbRedisInside {
  readonly client?: {
    readonly connection?: {
      readonly hostname?: string;
      readonly port?: number | string;
      readonly options?: {
        readonly tls?: boolean;
        readonly caCerts?: string[];
        readonly username?: string;
        readonly password?: string;
        readonly db?: number;
      };
    };
  };
}

function driversForDbRedis(client: DbRedis): Drivers {
  const inside = (client as DbRedisInside).client?.connection;
  const { hostname, port, options = {} } = inside ?? {};
  const { tls = false, caCerts, username, password, db = 0 } = options;
  const address: Address = {
    hostname: hostname ?? "unknown",
    port: Number(port ?? 6379),
    tls: tls || caCerts !== undefined,
  };
  const credentials: Credentials = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db,
  };
  const url = formatUrl(address, credentials);
  return {
    main: {
      url,
      credentials: undefined,
      direct: true,
      dial: async () => {
        // A lazy client connects on its first command, but not on a pipeline.
        if (!client.isConnected) await client.sendCommand("PING");
        return new DbRedisConnection(client, { owned: false });
      },
    },
    own: () => {
      if (hostname === undefined) {
        throw new TypeError(
          "Cannot open a further connection like the given @db/redis client: its host is unknown, pass a URL instead",
        );
      }
      return new DbRedisDriver({
        address,
        credentials,
        url,
        ...(caCerts === undefined ? {} : { caCerts }),
      });
    },
  };
}

function driversForIoredis(client: Ioredis | Cluster): Drivers {
  const { options, url } = describeIoredis(client);
  for (const name of ["keyPrefix", "stringNumbers"] as const) {
    if (options[name]) {
      throw new TypeError(
        `Cannot use this ioredis client: its option ${name} changes keys or replies`,
      );
    }
  }
  if (options.replyMapping === "resp3") {
    throw new TypeError(
      'Cannot use this ioredis client: its option replyMapping "resp3" changes replies',
    );
  }
  return {
    main: {
      url,
      credentials: undefined,
      direct: !client.isCluster,
      dial: () =>
        Promise.resolve(new IoredisConnection(client, { owned: false })),
    },
    own: () => ownIoredis(client, url),
  };
}

function ownIoredis(client: Ioredis | Cluster, url: string): Driver {
  if (client.isCluster) {
    return new IoredisDriver({
      url,
      credentials: undefined,
      direct: false,
      make: () =>
        Promise.resolve(
          (client as Cluster).duplicate([], {
            lazyConnect: true,
            clusterRetryStrategy: () => null,
          }),
        ),
    });
  }
  const { username, password, db } = (client as Ioredis).options;
  return new IoredisDriver({
    url,
    credentials: {
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      db: db ?? 0,
    },
    direct: true,
    make: () =>
      Promise.resolve(
        (client as Ioredis).duplicate({
          ...QUIET,
          // Sent by our handshake instead, which can tell a wrong password from an outage.
          username: undefined,
          password: undefined,
          db: 0,
          connectionName: undefined,
        }),
      ),
  });
}

/** The options to check, and a URL for messages. */
function describeIoredis(client: Ioredis | Cluster) {
  if (client.isCluster) {
    const options = (client as Cluster).options.redisOptions ?? {};
    return {
      options: { ...options, keyPrefix: (client as Cluster).options.keyPrefix },
      url: "redis://cluster",
    };
  }
  const { options } = client as Ioredis;
  const address: Address = options.path
    ? { path: options.path }
    : options.sentinels
    ? { hostname: options.name ?? "sentinel", port: 0, tls: false }
    : {
      hostname: options.host ?? "localhost",
      port: options.port ?? 6379,
      tls: options.tls !== undefined && options.tls !== null,
    };
  const url = formatUrl(address, {
    ...(options.username ? { username: options.username } : {}),
    ...(options.password ? { password: options.password } : {}),
    db: options.db ?? 0,
  });
  return { options, url };
}
