/**
 * A private `redis-server` for the length of one task, installed first where there
 * is none.
 *
 * @module
 */

import { RedisServer } from "../tests/support/redis_server.ts";
import { installWithApt } from "./apt.ts";
import { isInstalled } from "./deno.ts";

/** Where a Redis is, until it is disposed of. */
export interface Redis extends AsyncDisposable {
  readonly url: string;
}

/** Takes the Redis of `REDIS_URL`, or starts one on a free port. */
export async function openRedis(): Promise<Redis> {
  const url = Deno.env.get("REDIS_URL");
  if (url) return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
  await ensureRedisServer();
  return await RedisServer.start();
}

/** Installs `redis-server` if it is not there; throws with the command to run where it cannot. */
export async function ensureRedisServer(): Promise<void> {
  if (await isInstalled("redis-server")) return;
  const reason = await installWithApt(["redis-server"]);
  if (reason !== undefined) {
    throw new Error(
      `Cannot start redis-server: it is not installed; ${reason}`,
    );
  }
}
