import { assertEquals, assertMatch } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/schedules.ts makes jobs again and again", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/schedules.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines.slice(0, 3), [
    "every second: * * * * * * UTC",
    "nightly: 0 2 * * * Europe/Berlin",
    "> report of the night",
  ]);
  for (const line of lines.slice(3)) {
    assertMatch(line, /^> enqueued for the second \d+$/);
  }
  assertEquals(lines.length, 5);
});
