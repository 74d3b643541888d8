import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "../e2e/support.ts";

/** Keys of a job, or of its queue, that hold what they never should while the job can end all the same. */
const OF_THE_JOB: readonly string[] = [
  "rq:results:odd",
  "rq:job:odd:dependents",
  "rq:job::odd:dependencies",
  "rq:executions:odd",
  "rq:finished:low",
  "rq:failed:low",
  "rq:deferred:low",
  "rq:queue:low:intermediate",
  "rq:queue:low:intermediate:first_seen:odd",
];

Deno.test.each(OF_THE_JOB.map((key) => [key] as const))(
  "a list under %s keeps neither good nor bad jobs from ending, nor their worker from going on",
  async (key) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const low = bench.queue("low");
    await low.enqueueCall({ func: "jobs.add", args: [1, 2], jobId: "odd" });
    const bad = await low.enqueue("jobs.fails", "no");
    const sound = await bench.queue("high").enqueue("jobs.add", 1, 2);
    if (key.endsWith("intermediate")) {
      await bench.client.send("SET", [key, "text"]);
    } else await bench.client.send("RPUSH", [key, "text"]);
    const { code, stdout, stderr } = await burst([
      "low",
      "high",
      "--url",
      redis.url,
    ]);
    const output = stdout + stderr;
    assertEquals(code, 0, output);
    assertEquals(await sound.getStatus(), "finished", output);
    const status = await bench.field("rq:job:odd", "status");
    assert(
      status === "finished" || status === "failed",
      `the job is ${status}\n${output}`,
    );
    assertEquals(await bad.getStatus(), "failed", output);
    assertEquals(await bench.client.send("ZCARD", ["rq:wip:low"]), 0, output);
    const ttl = Number(await bench.client.send("TTL", ["rq:job:odd"]));
    assert(ttl > 0, `the job would stay for ever\n${output}`);
  },
);

Deno.test.each(
  [["rq:job:odd"], ["rq:queue:low"], ["rq:wip:low"], ["rq:queues"]] as const,
)(
  "a string under %s keeps the worker neither from its other queue nor from leaving",
  async (key) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    if (key !== "rq:queue:low") {
      await bench.client.send("RPUSH", ["rq:queue:low", "odd"]);
    }
    const sound = await bench.queue("high").enqueue("jobs.add", 1, 2);
    await bench.client.send("DEL", ["rq:queues"]);
    await bench.client.send("SET", [key, "text"]);
    const { code, stdout, stderr } = await burst([
      "low",
      "high",
      "--url",
      redis.url,
    ]);
    const output = stdout + stderr;
    assertEquals(code, 0, output);
    assertEquals(await sound.getStatus(), "finished", output);
    assertEquals(await bench.client.send("GET", [key]), "text");
  },
);

Deno.test("ids without a job on the queue are skipped, be they a thousand", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const ids = Array.from({ length: 1_000 }, (_, i) => `gone-${i}`);
  await client.send("RPUSH", ["rq:queue:low", "", ...ids]);
  await client.send("HSET", ["rq:job:dataless", "status", "queued"]);
  await client.send("RPUSH", ["rq:queue:low", "dataless"]);
  await client.send("RPUSH", ["rq:job:list", "x"]);
  await client.send("RPUSH", ["rq:queue:low", "list"]);
  const sound = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const { code, stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(await sound.getStatus(), "finished");
  const lines = stderr.trim().split("\n").map((line) => line.slice(9));
  assertEquals(lines, [
    "low: Skipped a job, it has no data (dataless)",
    "low: Skipped a job, its key holds a list (list)",
  ]);
});
