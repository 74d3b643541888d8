import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/demo.ts shows a job's whole life", async () => {
  await using redis = await RedisServer.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), "examples/demo.ts"],
    cwd: ROOT,
    env: { REDIS_URL: redis.url, NO_COLOR: "1" },
  }).output();
  const out = new TextDecoder().decode(stdout);
  const err = new TextDecoder().decode(stderr);
  assertEquals(code, 0, err);
  const lines = [
    /RQ worker 'rq:worker:\S+' started, version \d+\.\d+\.\d+/,
    /\*\*\* Listening on demo\.\.\./,
    /demo: examples\.rq_test\.hello\('yangyi'\) \([0-9a-f-]{36}\)\nhello ,yangyi\n\S+ demo: Job OK/,
    /Result is kept for 500 seconds/,
    /hello: finished\nresult: \[ "yangyi", "[\d.]+", \d+ \]/,
    /workat: failed\nerror: .*TypeError/,
    /A is queued, B is deferred/,
    /A: working at HOME, B: B, after A/,
    /first, then last: true/,
    /canceled: canceled, deleted: null/,
    /the one for later is scheduled/,
    /retried: worked in attempt 2/,
    /attempt 1: retried/i,
    /4 jobs of demo have failed/,
    /3 are requeued/,
    /delivered to a@b\.c\ndelivered to d@e\.f\ndelivered to g@h\.i/,
  ];
  for (const line of lines) assertMatch(out, line);
  assertStringIncludes(err, "demo: Job failed");
});
