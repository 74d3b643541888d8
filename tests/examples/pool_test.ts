import { assertEquals, assertStringIncludes } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/pool.ts runs its jobs by two workers", async () => {
  await using redis = await RedisServer.start();
  const [name, map] = runFlags();
  const ofWorkers = map ? [`${name}=${map}`] : [];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/pool.ts", ...ofWorkers],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, "report: three\n");
  assertStringIncludes(text, "The jobs returned one, two, three\n");
});
