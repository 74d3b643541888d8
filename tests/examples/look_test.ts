import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/look.ts shows where jobs are and how they ended", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/look.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const ends = lines.filter((line) => line.startsWith("> "));
  assertEquals(ends, [
    "> queued, 1 before it",
    "> true deferred",
    "> a worker: alive true, queues look",
    "> 3. successful: done in run 3",
    "> 2. retried: Error: run 2 has failed",
    "> 1. retried: Error: run 1 has failed",
  ]);
});
