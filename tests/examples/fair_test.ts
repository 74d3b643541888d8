import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/fair.ts runs the jobs of its tenants in turns", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/fair.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "7 jobs wait",
    "report: big tenant, job 1",
    "report: small tenant, job 1",
    "report: big tenant, job 2",
    "report: small tenant, job 2",
    "report: big tenant, job 3",
    "report: big tenant, job 4",
    "report: big tenant, job 5",
  ]);
});
