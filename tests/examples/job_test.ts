import { assertEquals } from "@std/assert";
import { WorkerProcess } from "../e2e/support.ts";
import { jobFlags, runFlags } from "../support/deno_flags.ts";
import { fromFileUrl } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

Deno.test("examples/job.ts enqueues a function by its own methods, and a static method", async () => {
  await using redis = await RedisServer.start();
  await using _worker = await WorkerProcess.listening(
    ["greetings", "--url", redis.url, ...jobFlags()],
    { cwd: ROOT },
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/job.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "greetings 30 hello, yangyi",
    "greetings 30 hello, in a second",
    "greetings 30 hello, first",
    "hello, an ordinary call",
    "examples.job_jobs.Mailer.send('a@b.c') from me to a@b.c",
  ]);
});
