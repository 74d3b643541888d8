import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/registries.ts requeues and deletes failed jobs by a filter", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/registries.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n")
    .filter((line) => line.startsWith("> "));
  assertEquals(lines.toSorted(), [
    "> 1 deleted, 0 still failed",
    "> 2 are tried again",
    "> 3 have failed:",
    "> nobody: TypeError: no address: nobody",
    "> x@offline: Error: offline is offline",
    "> y@offline: Error: offline is offline",
  ]);
});
