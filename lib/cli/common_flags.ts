/**
 * The flags that several commands have.
 *
 * @module
 */

import type { ConnectionOptions } from "../store/connection.ts";
import { checkChoice } from "../base/options.ts";
import { type DriverName, DRIVERS } from "../redis/redis_client.ts";
import type { Flag, ParsedFlags } from "./flags.ts";

/** Flags that RQ's commands share, and that have no meaning here. */
export const RQ_FLAGS: readonly Flag[] = [
  {
    name: "serializer",
    short: "S",
    value: "NAME",
    help: "json is the only one",
    ofRq: true,
  },
  {
    name: "worker-class",
    short: "w",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "job-class",
    short: "j",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "queue-class",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "connection-class",
    value: "CLASS",
    help: "only redis-py's own",
    ofRq: true,
  },
];

/** A file whose constants stand for flags. */
export const CONFIG_FLAG: Flag = {
  name: "config",
  short: "c",
  value: "FILE",
  help:
    "a .ts, .js or .json file whose constants stand for flags: REDIS_URL, QUEUES, MAX_JOBS (default: RQ_CONFIG)",
};

/** The flags of every command that runs no jobs. */
export const COMMON_FLAGS: readonly Flag[] = [
  {
    name: "url",
    short: "u",
    value: "URL",
    help:
      "where Redis is (default: RQ_REDIS_URL, REDIS_URL, REDIS_HOST and the like, else redis://127.0.0.1:6379)",
  },
  {
    name: "prefix",
    value: "TEXT",
    help:
      "the prefix of every key (default: RQ_KEY_PREFIX and a colon, else rq:)",
  },
  {
    name: "driver",
    value: "PACKAGE",
    help:
      "the package that talks to Redis: @db/redis, ioredis (default: @db/redis; ioredis for unix: URLs)",
  },
  CONFIG_FLAG,
  { name: "help", short: "h", help: "show this" },
  {
    name: "path",
    short: "P",
    value: "DIR",
    repeatable: true,
    help: "no effect: no jobs are loaded",
    ofRq: true,
  },
  ...RQ_FLAGS,
];

/** The declaration of a flag without a value. */
export interface Switch {
  readonly help: string;
}

/** For `flags` of a command that prints what programs may want to read. */
export const JSON_FLAG: Switch = { help: "print JSON" };

/** For `flags` of a command that destroys something. */
export const YES_FLAG: Switch = { help: "do not ask" };

/** Seconds for which a command waits for Redis. */
const PATIENCE = 5;

/** Where Redis is, as the flags say. */
export function connectionOf({ values }: ParsedFlags): ConnectionOptions {
  const one = (name: string) => values.get(name)?.[0];
  const [url, prefix, driver] = [one("url"), one("prefix"), one("driver")];
  return {
    connectTimeout: PATIENCE,
    ...(url === undefined ? {} : { connection: url }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(driver === undefined
      ? {}
      : { driver: checkChoice<DriverName>("--driver", driver, DRIVERS) }),
  };
}
