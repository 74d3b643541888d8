/**
 * Creates {@linkcode RedisClient}s.
 *
 * @module
 */

import { IS_DENO } from "../base/platform.ts";
import { checkChoice } from "../base/options.ts";
import { Client, type Drivers } from "./client.ts";
import { DbRedisDriver } from "./db_redis_driver.ts";
import type { Driver } from "./driver.ts";
import { driversFor, type ExistingClient } from "./existing_client.ts";
import { IoredisDriver } from "./ioredis_driver.ts";
import { LocatingDriver } from "./locating_driver.ts";
import { namesNodes, parseNodesUrl } from "./nodes.ts";
import {
  type DriverName,
  DRIVERS,
  type RedisClient,
  type RedisClientOptions,
} from "./redis_client.ts";
import { parseUrl, type RedisTarget } from "./url.ts";

export type {
  ExistingClient,
  ExistingDbRedisClient,
  ExistingIoredisClient,
} from "./existing_client.ts";

/**
 * Creates a client for a URL (`redis://user:password@host:port/db`, `rediss://…`,
 * `unix:/path?db=1`, `redis-sentinel://host,host/master/db`, `redis-cluster://host,host`) or on top of a connected client of `@db/redis` or `ioredis`.
 * It connects on the first call.
 *
 * `close()` does not close an existing client. An existing client keeps its own
 * behaviour: if it re-sends commands after a reconnect, they are re-sent.
 *
 * @throws {TypeError} If the target is none of these, or the driver cannot open it.
 * @throws {RangeError} If a timeout is not more than 0, or there is no such driver.
 */
export function connect(
  target: string | URL | ExistingClient,
  options: RedisClientOptions = {},
): RedisClient {
  const drivers = typeof target === "string" || target instanceof URL
    ? driversForUrl(target, options)
    : driversFor(target);
  return new Client(drivers, options);
}

function driversForUrl(
  input: string | URL,
  { driver: name, slotKey }: RedisClientOptions,
): Drivers {
  if (name !== undefined) checkChoice("driver", name, DRIVERS);
  const driver = namesNodes(input)
    ? new LocatingDriver(
      parseNodesUrl(input),
      slotKey,
      (target) => driverFor(target, name),
    )
    : driverFor(parseUrl(input), name);
  return { main: driver, own: () => driver };
}

/** The driver for one server. */
function driverFor(target: RedisTarget, name?: DriverName): Driver {
  const needsIoredis = "path" in target.address || !IS_DENO;
  const chosen = name ?? (needsIoredis ? "ioredis" : "@db/redis");
  return chosen === "ioredis"
    ? IoredisDriver.forTarget(target)
    : new DbRedisDriver(target);
}
