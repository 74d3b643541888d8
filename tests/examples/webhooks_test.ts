import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/webhooks.ts hears of two jobs, by requests with the right signature", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/webhooks.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  const out = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(out.split("\n").filter((line) => line.startsWith("> ")), [
    "> order-7 has finished",
    "> no-order has failed RangeError: there is no order -1",
  ], out);
});
