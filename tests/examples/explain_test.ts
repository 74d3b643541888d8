import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/explain.ts tells why jobs do not run", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/explain.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines.filter((line) => line.startsWith("> ")), [
    "> queued: paused, no_worker, behind",
    "> deferred: waits_for_parents",
    "> scheduled: not_due",
  ]);
});
