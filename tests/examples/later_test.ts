import { assertEquals, assertStringIncludes } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/later.ts runs jobs when they are due", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/later.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertStringIncludes(lines[0]!, "tea: scheduled, bus: scheduled");
  const ends = lines.filter((line) => line.startsWith("> "));
  assertEquals(ends, [
    "> reminded of the bus",
    "> reminded of the tea",
    "> reminded of the order",
  ]);
});
