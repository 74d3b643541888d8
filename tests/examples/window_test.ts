import { assertEquals, assertMatch } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/window.ts lets two jobs start in each second", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/window.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const others = lines.filter((line) => !line.startsWith("report: "));
  assertEquals(others.slice(0, 5), [
    ...["a: queued", "b: queued"],
    ...["c", "d", "e"].map((title) => `${title}: rate_limited`),
  ]);
  assertMatch(others[5]!, /^in second 0, /);
  const seconds = others[5]!.slice("in second ".length).split(", ").map(Number);
  // the third is a second behind the first, and so on
  assertEquals(seconds.length, 5);
  for (let i = 2; i < 5; i++) {
    assertEquals(seconds[i]! >= seconds[i - 2]! + 1, true, others[5]);
  }
});
