import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/repeat.ts runs a job three times", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/repeat.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  const out = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const times = (line: RegExp) => out.match(line)?.length;
  assertEquals(times(/^report: once more$/gm), 3, out);
  assertEquals(times(/repeat: Job OK/g), 3, out);
  assertEquals(times(/repeat: Job scheduled to repeat/g), 2, out);
});
