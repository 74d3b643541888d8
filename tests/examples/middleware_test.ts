import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/middleware.ts traces jobs, and reports their errors", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/middleware.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines, [
    "trace 4711: examples.rq_test.workat begins",
    "trace 4711: it gives working at ACME",
    "trace 4711: examples.rq_test.workat begins",
    "trace 4711: examples.rq_test.workat throws TypeError: Cannot read properties of undefined (reading 'toUpperCase')",
    "working at ACME / failed",
  ]);
});
