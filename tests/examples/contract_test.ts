import { assertEquals } from "@std/assert";
import { WorkerProcess } from "../e2e/support.ts";
import { jobFlags, runFlags } from "../support/deno_flags.ts";
import { fromFileUrl } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

Deno.test("examples/contract.ts enqueues what its schema takes", async () => {
  await using redis = await RedisServer.start();
  await using _worker = await WorkerProcess.listening(
    ["mail", "--url", redis.url, ...jobFlags()],
    { cwd: ROOT },
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/contract.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "examples.contract_jobs.send({'to': 'ann@b.org'}) => 1 letter to ann@b.org",
    "Cannot enqueue send: args[0].to: Invalid email address",
  ]);
});
