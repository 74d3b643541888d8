/**
 * Creates {@linkcode RedisClient}s.
 *
 * @module
 */

import { checkChoice } from "../base/options.ts";
import { Client, type Drivers } from "./client.ts";
import { DbRedisDriver } from "./db_redis_driver.ts";
import { driversFor, type ExistingClient } from "./existing_client.ts";
import { IoredisDriver } from "./ioredis_driver.ts";
import {
  DRIVERS,
  type RedisClient,
  type RedisClientOptions,
} from "./redis_client.ts";
import { parseUrl } from "./url.ts";

export type {
  ExistingClient,
  ExistingDbRedisClient,
  ExistingIoredisClient,
} from "./existing_client.ts";

/**
 * Creates a client for a URL (`redis://user:password@host:port/db`, `rediss://…`,
 * `unix:/path?db=1`) or on top of a connected client of `@db/redis` or `ioredis`.
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
    ? driversForUrl(target, options.driver)
    : driversFor(target);
  return new Client(drivers, options);
}

function driversForUrl(
  input: string | URL,
  name: RedisClientOptions["driver"],
): Drivers {
  if (name !== undefined) checkChoice("driver", name, DRIVERS);
  const target = parseUrl(input);
  const chosen = name ?? ("path" in target.address ? "ioredis" : "@db/redis");
  const driver = chosen === "ioredis"
    ? IoredisDriver.forTarget(target)
    : new DbRedisDriver(target);
  return { main: driver, own: () => driver };
}
