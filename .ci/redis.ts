/**
 * A private `redis-server` for the length of one task, installed first where there
 * is none.
 *
 * @module
 */

import { isInstalled, run, say } from "./deno.ts";

/** Where a Redis is, until it is disposed of. */
export interface Redis extends AsyncDisposable {
  readonly url: string;
}

/**
 * Keeps the server as long as somebody holds the other end of stdin. However this
 * process ends, by Ctrl-C or SIGKILL, the server goes with it.
 */
const GUARD = '"$@" >/dev/null 2>&1 & read -r _; kill -KILL $!; wait';

/** Takes the Redis of `REDIS_URL`, or starts one on a free port. */
export async function openRedis(): Promise<Redis> {
  const url = Deno.env.get("REDIS_URL");
  if (url) return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
  await ensureRedisServer();
  for (let attempt = 0; attempt < 3; attempt++) {
    const redis = await start(freePort());
    if (redis !== undefined) return redis;
  }
  throw new Error("Cannot start redis-server: it does not answer");
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

async function start(port: number): Promise<Redis | undefined> {
  const guard = new Deno.Command("sh", {
    args: ["-c", GUARD, "sh", "redis-server", ...serverArgs(port)],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    // Ctrl-C is for the task, which may still need the server to end well.
    detached: true,
  }).spawn();
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await guard.stdin.close();
      await guard.status;
    },
  };
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await answers(port)) return redis;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await redis[Symbol.asyncDispose]();
  return undefined;
}

function serverArgs(port: number): string[] {
  const settings = { port, bind: "127.0.0.1", appendonly: "no", save: "" };
  return Object.entries(settings).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

async function answers(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    return (await connection.read(new Uint8Array(16)) ?? 0) > 0;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
