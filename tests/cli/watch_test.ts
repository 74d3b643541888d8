/** The commands that show what happens to jobs. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { run } from "./support.ts";

Deno.test("job logs shows what a job has logged and printed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const job = await bench.queue("low").enqueue("logs.failsAloud");
  await burst(["low", "--url", redis.url, "--capture-logs=64KB"]);
  const { code, stdout } = await run(["job", "logs", job.id], env);
  assertEquals([code, stdout.trimEnd().split("\n").sort()], [0, [
    "about to fail",
    "last words",
  ]]);
  const timed = await run(["job", "logs", "-t", job.id], env);
  assertMatch(timed.stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d about to fail$/m);
  const followed = await run(["job", "logs", "-f", "--json", job.id], env);
  const lines = followed.stdout.trimEnd().split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assertEquals(
    lines.map(({ source, text, attempt }) => `${source} ${text} ${attempt}`)
      .sort(),
    ["log about to fail 1", "stdout last words 1"],
  );
});

Deno.test("job watch shows the life of a job, and its exit code says how that ended", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const queue = bench.queue("low");
  const good = await queue.enqueue("jobs.add", 1, 2);
  await using program = new WorkerProcess(["job", "watch", good.id], { env });
  await program.waitForOutput(/queued/);
  await burst(["low", "--url", redis.url, "--name", "w1"]);
  const { code, stdout } = await program.ended();
  assertEquals(code, 0);
  assertEquals(
    stdout.replaceAll(/^\d\d:\d\d:\d\d\.\d{3} /gm, ""),
    [
      "queued",
      "started (w1)",
      "finished (w1)",
      "",
    ].join("\n"),
  );
  const bad = await queue.enqueue("jobs.fails", "no");
  await bad.cancel();
  const ended = await run(["job", "watch", "--json", bad.id], env);
  assertEquals([ended.code, JSON.parse(ended.stdout).status], [1, "canceled"]);
});

Deno.test("watch shows what happens to the jobs of the named queues, or of all", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  await using all = new WorkerProcess(["watch", "--json"], { env });
  await using low = new WorkerProcess(["watch", "low"], { env });
  const { client } = bench;
  await waitFor(async () =>
    /^blocked_clients:2/m.test(String(await client.send("INFO", ["clients"])))
  );
  const other = await bench.queue("other").enqueue("jobs.nothing");
  const job = await bench.queue("low").enqueue("jobs.nothing");
  await low.waitForOutput(new RegExp(`low: ${job.id} queued`));
  await all.waitForOutput(new RegExp(job.id));
  assertStringIncludes(all.stdout, `"jobId":"${other.id}","queue":"other"`);
  assertEquals(low.stdout.includes(other.id), false);
  low.kill("SIGINT");
  assertEquals((await low.ended()).code, 130);
});

Deno.test.each([
  [["job", "logs"], 2, "Name one job"],
  [["job", "watch", "a", "b"], 2, "Name one job"],
  [["job", "logs", "none"], 1, 'No such job "none"'],
  [["job", "watch", "none"], 1, 'No such job "none"'],
  [["watch", "a\nb"], 2, "queue"],
  [["watch", "--follow"], 2, "--follow"],
])("%j ends with %j and one line", async (args, code, text) => {
  await using redis = await RedisServer.start();
  const ended = await run(args, { REDIS_URL: redis.url });
  assertEquals([ended.code, ended.stdout], [code, ""]);
  assertStringIncludes(ended.stderr, text);
});
