import { assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

Deno.test("job why tells what keeps jobs from running, in words and for programs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const low = bench.queue("low");
  await low.enqueueCall({ func: "jobs.nothing", jobId: "a" });
  await low.enqueueCall({ func: "jobs.nothing", jobId: "b" });
  await low.enqueueCall({ func: "jobs.nothing", jobId: "c", dependsOn: "b" });
  await low.pause();
  assertEquals(await run(["job", "why", "b", "c"], env), {
    code: 0,
    stdout: `b: queued
  queue "low" is paused until somebody resumes
  no worker serves queue "low"
  1 job is before it on queue "low"
c: deferred
  it waits for job "b" (queued)
`,
    stderr: "",
  });
  const { stdout } = await run(["job", "why", "b", "--json"], env);
  const { jobId, status, reasons } = JSON.parse(stdout);
  assertEquals([jobId, status, reasons.length], ["b", "queued", 3]);
  assertEquals(reasons[2].count, 1);
  const none = await run(["job", "why", "none"], env);
  assertEquals([none.code, none.stdout], [1, ""]);
  assertMatch(none.stderr, /^No such job "none"/);
  assertEquals((await run(["job", "why"], env)).code, 2);
});
