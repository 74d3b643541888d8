import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/group.ts waits for all members, also for those that others add, and publishes once", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/group.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines.toSorted(), [
    "> 2 of 2 jobs are open",
    "> 4 of 4 jobs have finished",
    "> chapter is rendered",
    "> chapter, section 1 is rendered",
    "> chapter, section 2 is rendered",
    "> cover is rendered",
    "> the book is published, from 4 jobs",
  ]);
});
