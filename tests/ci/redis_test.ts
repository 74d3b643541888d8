/** The private Redis of a task. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { isInstalled } from "../../.ci/deno.ts";
import { openRedis } from "../../.ci/redis.ts";
import { fromFileUrl } from "../support/paths.ts";
import { spawnProgram } from "../support/processes.ts";
import { waitFor } from "../support/wait_for.ts";

const HOLDER = fromFileUrl(
  new URL("./fixtures/hold_redis.ts", import.meta.url),
);

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  Deno.test(`a task's Redis ends with the task, by ${signal} too`, async () => {
    await using holder = spawnProgram(HOLDER, [], { env: { REDIS_URL: "" } });
    const [, port] = await holder.waitForOutput(/redis:\/\/127.0.0.1:(\d+)/);
    assertEquals(await listens(Number(port)), true);
    holder.kill(signal);
    await waitFor(async () => !await listens(Number(port)));
  });
}

Deno.test("openRedis() takes the Redis of REDIS_URL and leaves it alone", async () => {
  const url = "redis://example.invalid:1";
  await using holder = spawnProgram(HOLDER, [], { env: { REDIS_URL: url } });
  await holder.waitForOutput(/redis:\/\/example\.invalid:1/);
});

Deno.test("openRedis() gives a server of its own to each", async () => {
  const before = Deno.env.get("REDIS_URL");
  Deno.env.delete("REDIS_URL");
  try {
    await using one = await openRedis();
    await using two = await openRedis();
    assertNotEquals(one.url, two.url);
  } finally {
    if (before !== undefined) Deno.env.set("REDIS_URL", before);
  }
});

Deno.test("isInstalled() knows what is not", async () => {
  assertEquals(await isInstalled("no-such-program-anywhere"), false);
});

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (
      error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.ConnectionReset // it is just ending
    ) return false;
    throw error;
  }
}
