import { assertEquals, assertStringIncludes } from "@std/assert";
import { jobFlags, runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/cron.ts declares schedules, and a worker makes and runs the job that is due", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", ...runFlags(), "worker.ts", "--burst"],
      ...["--cron", "examples/cron.ts", "--queues", "reports", ...jobFlags()],
    ],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const output = new TextDecoder().decode(stdout);
  assertStringIncludes(output, "examples/cron.ts declares 2 schedules");
  assertStringIncludes(output, 'Schedule "hourly report": enqueued ');
  const run = "reports: examples.schedules_jobs.report('the hour')";
  assertStringIncludes(output, run);
  assertStringIncludes(output, "reports: Job OK");
});
