import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobFailedError, retry, type RetryOptions } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, WorkerProcess } from "./support.ts";

const HASH = {
  created_at: "2026-11-23T02:37:08.111378Z",
  origin: "low",
  status: "queued",
  timeout: 30,
};
const failsUntil = (n: number) => `["jobs.failsUntil", null, [${n}], {}]`;

Deno.test("a job of a Python producer is retried at once without intervals", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const data = failsUntil(3);
  await bench.push("low", "j1", { ...HASH, data, retries_left: 2 });
  const { stdout } = await burst(["low", "--url", redis.url]);
  const job = await bench.queue("low").fetchJob("j1");
  assertEquals(await job?.wait({ timeout: 1 }), 3);
  assertEquals(await bench.field("rq:job:j1", "retries_left"), "0");
  assertEquals(
    stdout.match(/Job retried after its failure \(j1\)/g)?.length,
    2,
  );
});

Deno.test("a job whose retries are used up fails", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const data = failsUntil(9);
  await bench.push("low", "j1", { ...HASH, data, retries_left: 2 });
  await burst(["low", "--url", redis.url]);
  const job = await bench.queue("low").fetchJob("j1");
  assertEquals(await job?.getStatus(), "failed");
  assert((await job?.excInfo())?.includes("attempt 3"));
});

Deno.test("a retry with an interval is scheduled, and queued when its time has come", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const fields = {
    ...HASH,
    data: failsUntil(3),
    retries_left: 2,
    retry_intervals: "[1, 1000]",
  };
  await bench.push("low", "j1", fields);
  await burst(["low", "--url", redis.url]);
  assertEquals(await bench.field("rq:job:j1", "status"), "scheduled");
  const due = Number(await client.send("ZSCORE", ["rq:scheduled:low", "j1"]));
  const [now] = await client.send("TIME") as string[];
  assert(due <= Number(now) + 2, `due at ${due}, now ${now}`);
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await waitFor(async () =>
    Number(await bench.field("rq:job:j1", "x_attempts")) === 2
  );
  await bench.hasStatus("j1", "scheduled");
  const later = Number(await client.send("ZSCORE", ["rq:scheduled:low", "j1"]));
  assert(later - due > 900, `the second interval is ${later - due} s`);
  await client.send("ZADD", ["rq:scheduled:low", "XX", 1, "j1"]);
  await bench.hasStatus("j1", "finished");
  await waitForEqual<unknown>(
    () => client.send("ZCARD", ["rq:scheduled:low"]),
    0,
  );
});

Deno.test("a scheduled job that was canceled or deleted is not queued", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const status = "scheduled";
  const data = '["jobs.add", null, [1, 2], {}]';
  for (const id of ["canceled", "gone", "sound"]) {
    await client.send("HSET", [
      `rq:job:${id}`,
      ...Object.entries({ ...HASH, data, status }).flat(),
    ]);
    await client.send("ZADD", ["rq:scheduled:low", 1, id]);
  }
  await client.send("DEL", ["rq:job:gone"]);
  const job = await bench.queue("low").fetchJob("canceled");
  await job?.cancel();
  await client.send("ZADD", ["rq:scheduled:low", 1, "canceled"]);
  const { code } = await burst([
    "low",
    "--url",
    redis.url,
  ]);
  assertEquals(code, 0);
  assertEquals(await bench.field("rq:job:sound", "status"), "finished");
  assertEquals(await bench.field("rq:job:canceled", "status"), "canceled");
  assertEquals(await client.send("ZCARD", ["rq:scheduled:low"]), 0);
});

Deno.test("scheduled jobs are left to a Python scheduler that holds the lock", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const data = '["jobs.add", null, [1, 2], {}]';
  await bench.push("low", "j1", { ...HASH, data, status: "scheduled" });
  await client.send("DEL", ["rq:queue:low"]);
  await client.send("ZADD", ["rq:scheduled:low", 1, "j1"]);
  await client.send("SET", ["rq:scheduler-lock:low", "4711", "EX", 60]);
  const args = ["low", "--url", redis.url];
  await burst(args);
  assertEquals(await bench.field("rq:job:j1", "status"), "scheduled");
  assertEquals(await client.send("GET", ["rq:scheduler-lock:low"]), "4711");
  await client.send("DEL", ["rq:scheduler-lock:low"]);
  await burst(args);
  assertEquals(await bench.field("rq:job:j1", "status"), "finished");
});

Deno.test("a Python scheduler can take over from a worker that left", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await burst(["low", "--url", redis.url]);
  const lock = "rq:scheduler-lock:low";
  assertEquals(await bench.client.send("EXISTS", [lock]), 0);
});

const ISOLATIONS = ["process", "reuse", "shared"];
const WAYS = ["throw", "reject", "hang", "exit", "kill"];

Deno.test.each(ISOLATIONS)(
  "with --isolation %s, whatever ends a run badly is tried again",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const low = bench.queue("low");
    const jobs = await low.enqueueMany(
      WAYS.map((how) => ({
        func: "jobs.failsOnce",
        args: [how],
        retry: 1,
        timeout: how === "hang" ? 1 : 60,
      })),
    );
    const waits = jobs.map((job) => job.wait({ timeout: 120 }));
    await burst(["low", "--isolation", isolation, "--url", redis.url]);
    assertEquals(await Promise.all(waits), WAYS.map(() => 2));
    for (const job of jobs) {
      assertEquals(await bench.field(`rq:job:${job.id}`, "retries_left"), "0");
      const kept = await bench.client.send("XLEN", [`rq:results:${job.id}`]);
      assertEquals(kept, 2);
    }
  },
);

Deno.test("kill-horse counts as a failure, and the job is tried again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using _worker = await WorkerProcess.listening([
    "low",
    "-n",
    "w1",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.failsOnce",
    args: ["reject"],
    retry: 1,
  });
  await bench.hasStatus(job.id, "started");
  await bench.client.send("PUBLISH", [
    "rq:pubsub:w1",
    '{"command":"kill-horse"}',
  ]);
  assertEquals(await job.wait({ timeout: 60 }), 2);
});

Deno.test.each<[string, readonly unknown[], readonly string[], number]>([
  ["jobs.throwsNoUse", [false], ["NoUse"], 2],
  ["jobs.throwsNoUse", [false], ["RangeError"], 2],
  ["jobs.throwsNoUse", [false], ["TypeError", "Error"], 2],
  ["jobs.throwsNoUse", [false], ["TypeError"], 1],
  ["jobs.throwsNoUse", [true], ["NoUse"], 1],
  ["jobs.failsOnce", ["hang"], ["TimeoutError"], 2],
  ["jobs.failsOnce", ["hang"], ["RangeError"], 1],
  ["jobs.failsOnce", ["kill"], ["CrashError"], 2],
  ["jobs.failsOnce", ["exit"], ["ExitError"], 2],
  ["jobs.failsOnce", ["exit"], ["CrashError"], 1],
  ["jobs.missing", [], ["ImportError"], 2],
  ["jobs.missing", [], ["TypeError"], 1],
])(
  "%s(%j) with retryOn %j runs %d times",
  async (func, args, retryOn, runs) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const job = await bench.queue("low").enqueueCall({
      func,
      args: [...args],
      timeout: 2,
      retry: retry({ max: 1, retryOn }),
    });
    await burst(["low", "--url", redis.url]);
    const kept = await bench.client.send("XLEN", [`rq:results:${job.id}`]);
    assertEquals(kept, runs);
    const left = await bench.field(`rq:job:${job.id}`, "retries_left");
    assertEquals(left, `${2 - runs}`);
  },
);

Deno.test("DoNotRetry fails a job for good, with its cause", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.throwsNoUse",
    args: [true],
    retry: 3,
  });
  await burst(["low", "--url", redis.url]);
  const error = await assertRejects(
    () => job.wait({ timeout: 10 }),
    JobFailedError,
    "NoUse [RangeError]: no use",
  );
  assert((error.cause as Error).stack?.includes("throwsNoUse"));
});

Deno.test.each<
  [string, number | RetryOptions | undefined, object, number | undefined]
>([
  ["throws", undefined, {}, 4],
  ["returns", undefined, {}, 4],
  ["returns", 3, {}, 4],
  ["throws", { max: 3, retryOn: ["TypeError"] }, {}, 4],
  ["throws", 2, {}, undefined],
  ["returns", undefined, { max: 3 }, 4],
  ["throws", undefined, { max: 2 }, undefined],
])(
  "a job that %s a Retry, enqueued with retry %j, asking for %j, ends with %j",
  async (how, option, request, result) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const job = await bench.queue("low").enqueueCall({
      func: "jobs.asksFor",
      args: [4, how, request],
      ...(option === undefined ? {} : { retry: option }),
    });
    const { stdout } = await burst(["low", "--url", redis.url]);
    assert(stdout.includes("Job retried at its own request"), stdout);
    if (result !== undefined) {
      assertEquals<unknown>(await job.wait({ timeout: 10 }), result);
      return;
    }
    await assertRejects(
      () => job.wait({ timeout: 10 }),
      JobFailedError,
      "Retry:",
    );
    const [entry] = await bench.client.send("XREVRANGE", [
      `rq:results:${job.id}`,
      "+",
      "-",
      "COUNT",
      1,
    ]) as [[string, string[]]];
    assertEquals(entry[1].slice(0, 2), ["type", "5"]);
  },
);

Deno.test("a job that asks for a retry later waits, and who waits for it is not told of the attempts", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.asksFor",
    args: [3, "throws", { in: 0.4 }],
  });
  assertEquals<unknown>(await job.wait({ timeout: 60 }), 3);
  assertEquals(await bench.field(`rq:job:${job.id}`, "number_of_retries"), "2");
});
