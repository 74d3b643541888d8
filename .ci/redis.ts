/**
 * A private `redis-server` for the length of one task, installed first where there
 * is none.
 *
 * @module
 */

import { RedisServer } from "../tests/support/redis_server.ts";
import { isInstalled, run, say } from "./deno.ts";

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
  const apt = await isInstalled("apt-get");
  if (!apt || Deno.uid() !== 0) {
    const command = apt
      ? "sudo apt-get install --yes redis-server"
      : Deno.build.os === "darwin"
      ? "brew install redis"
      : "your package manager's command for redis-server";
    throw new Error(
      `Cannot start redis-server: it is not installed; run: ${command}`,
    );
  }
  say("No redis-server found: installing Debian's with apt-get");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env });
  const code = await run("apt-get", [
    "install",
    "--yes",
    "-qq",
    "--no-install-recommends",
    "redis-server",
  ], { env });
  if (code !== 0) {
    throw new Error(
      `Cannot install redis-server: apt-get ended with code ${code}`,
    );
  }
}
