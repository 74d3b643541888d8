import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, logLines, WorkerProcess } from "./support.ts";

Deno.test("a worker logs RQ's lines in RQ's order around what its job prints", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("default").enqueueCall({
    func: "jobs.hello",
    args: ["yangyi"],
    jobId: "63879f7c-b453-4405-a262-b9a6b6568b68",
  });
  const { code, stdout, stderr } = await burst([
    "--url",
    redis.url,
    "--name",
    "rac2.3354",
  ]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout.replace(/^\d\d:\d\d:\d\d /gm, "").split("\n"), [
    "RQ worker 'rq:worker:rac2.3354' started, version 0.1.0",
    "Cleaning registries for queue: default",
    "*** Listening on default...",
    "default: jobs.hello('yangyi') (63879f7c-b453-4405-a262-b9a6b6568b68)",
    "hello ,yangyi",
    "default: Job OK (63879f7c-b453-4405-a262-b9a6b6568b68)",
    "Result is kept for 500 seconds",
    "RQ worker 'rq:worker:rac2.3354' done, quitting",
    "",
  ]);
  assertEquals(await job.wait({ timeout: 1 }), "hello ,yangyi");
});

Deno.test("a worker logs every queue that it listens on", async () => {
  await using redis = await RedisServer.start();
  const { stdout } = await burst([
    "--url",
    redis.url,
    "--queues",
    "high,default",
    "low",
  ]);
  assertEquals(logLines(stdout).slice(1, 5), [
    "Cleaning registries for queue: high",
    "Cleaning registries for queue: default",
    "Cleaning registries for queue: low",
    "*** Listening on high, default, low...",
  ]);
});

Deno.test("a worker names itself after its host and process", async () => {
  await using redis = await RedisServer.start();
  await using worker = new WorkerProcess(["--burst", "--url", redis.url]);
  const { stdout } = await worker.ended();
  assertMatch(
    logLines(stdout)[0] ?? "",
    new RegExp(`^RQ worker 'rq:worker:[^.]+\\.${worker.pid}' started`),
  );
});

Deno.test("what a job prints on stdout and stderr comes out on the worker's", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.prints", "to out", "to err");
  const { stdout, stderr } = await burst(["low", "--url", redis.url]);
  assertStringIncludes(stdout, "\nto out\n");
  assertEquals(stderr, "to err\n");
});

Deno.test("a worker logs a failed job's error on stderr, with where it was thrown", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.fails", "no such luck");
  const { code, stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertMatch(
    stderr,
    new RegExp(
      `^[\\d:]{8} low: Job failed \\(${job.id}\\)\n  RangeError: no such luck\n`,
    ),
  );
  assertMatch(stderr, /\n {6}at fails \(file:.*\/jobs\/jobs\.ts:\d+:\d+\)/);
});

Deno.test("a job's own time to live of the result is what is logged and stored", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const func = "jobs.nothing";
  await queue.enqueueCall({ func, resultTtl: 77, jobId: "some" });
  await queue.enqueueCall({ func, resultTtl: 0, jobId: "none" });
  await queue.enqueueCall({ func, resultTtl: -1, jobId: "ever" });
  await queue.enqueueCall({ func, jobId: "default" });
  const { stdout } = await burst([
    "low",
    "--url",
    redis.url,
    "--results-ttl",
    "5m",
  ]);
  const kept = logLines(stdout).filter((line) => line.startsWith("Result"));
  assertEquals(kept, [
    "Result is kept for 77 seconds",
    "Result discarded immediately",
    "Result will never expire, clean up result key manually",
    "Result is kept for 300 seconds",
  ]);
  const ids = ["some", "none", "ever", "default"];
  const ttls = await Promise.all(
    ids.map((id) => bench.client.send("TTL", [`rq:job:${id}`])),
  );
  assertEquals(ttls.slice(1, 3), [-2, -1]);
  for (const [ttl, stored] of [[ttls[0], 77], [ttls[3], 300]]) {
    // A while has passed since they were stored.
    const left = Number(ttl);
    assert(left <= Number(stored) && left > Number(stored) - 60, `${ttls}`);
  }
});
