import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobFailedError } from "../../mod.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { isAlive } from "../support/proc.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

Deno.test("a result is stored with what RQ needs to read it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await burst(["low", "--url", redis.url, "--name", "w1"]);
  await job.refresh();
  assertEquals(await job.getStatus(), "finished");
  assertEquals(await job.result(), 3);
  assertEquals(job.workerName, "w1");
  assert(job.startedAt && job.endedAt && job.startedAt <= job.endedAt);
  const { client } = bench;
  const [[, fields]] = await client.send("XRANGE", [
    `rq:results:${job.id}`,
    "-",
    "+",
  ]) as [[string, string[]]];
  const entry = Object.fromEntries(
    fields.flatMap((name, i) => i % 2 ? [] : [[name, fields[i + 1]]]),
  );
  assertEquals(entry["type"], "1");
  assertEquals(atob(entry["return_value"] ?? ""), "3");
  assertEquals(await client.send("ZRANGE", ["rq:finished:low", 0, -1]), [
    job.id,
  ]);
  for (const key of [`rq:job:${job.id}`, `rq:results:${job.id}`]) {
    const ttl = Number(await client.send("TTL", [key]));
    assert(ttl > 490 && ttl <= 500, `${key} lives for ${ttl} s`);
  }
  assertEquals(await bench.field("rq:worker:w1", "successful_job_count"), "1");
});

for (const isolation of ["process", "reuse", "shared"]) {
  Deno.test(`the environment of a job names its worker and itself, as in RQ: ${isolation}`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const queue = bench.queue("low");
    const named = await queue.enqueue("jobs.readsEnv", "RQ_WORKER_ID");
    const own = [
      await queue.enqueue("jobs.readsEnv", "RQ_JOB_ID"),
      await queue.enqueue("jobs.readsEnv", "RQ_JOB_ID"),
    ];
    const args = ["--name", "w1", "--isolation", isolation];
    await burst(["low", "--url", redis.url, ...args]);
    assertEquals(await named.result(), "w1");
    const isShared = isolation === "shared";
    assertEquals(
      await Promise.all(own.map((job) => job.result())),
      own.map(({ id }) => isShared ? undefined : id),
    );
  });
}

Deno.test("a job whose process may not set variables has none of its own", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.readsEnv", "RQ_JOB_ID");
  const args = ["--job-allow-read", "--job-allow-env=RQ_WORKER_ID"];
  await burst(["low", "--url", redis.url, ...args]);
  assertMatch(await job.excInfo() ?? "", /NotCapable/);
});

Deno.test("a failure is stored with its text, and wait() throws it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.fails", "no such luck");
  await burst(["low", "--url", redis.url, "--name", "w1"]);
  const error = await assertRejects(
    () => job.wait({ timeout: 1 }),
    JobFailedError,
    "no such luck",
  );
  assertStringIncludes(error.excInfo, "RangeError: no such luck");
  assertEquals((error.cause as Error).name, "RangeError");
  assertEquals(
    await bench.client.send("ZRANGE", ["rq:failed:low", 0, -1]),
    [job.id],
  );
  const ttl = Number(await bench.client.send("TTL", [`rq:job:${job.id}`]));
  assert(ttl > 31_000_000, `it lives for ${ttl} s`);
  assertEquals(await bench.field("rq:worker:w1", "failed_job_count"), "1");
});

Deno.test("a failed job can be queued again and then succeeds", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.failsUntil", 2);
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.getStatus(), "failed");
  await job.requeue();
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.wait({ timeout: 1 }), 2);
  assertEquals(await bench.client.send("ZCARD", ["rq:failed:low"]), 0);
});

Deno.test("undefined and null are stored, and told apart from no result", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.nothing");
  assertEquals(await job.result(), undefined);
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.wait({ timeout: 1 }) ?? null, null);
});

Deno.test("a job knows itself, adds others, and stores meta and progress", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.followUp",
    args: [ledger.path],
    jobId: "first",
    meta: { step: 1, kept: true },
  });
  await burst(["low", "other", "--url", redis.url]);
  const result = await job.wait({ timeout: 1 }) as Record<string, unknown>;
  const { follow, ...rest } = result;
  assertEquals(rest, {
    attempt: 1,
    id: "first",
    meta: { kept: true, step: 2 },
    other: "first-next",
    queue: "low",
    run: 16,
  });
  await job.refresh();
  assertEquals(job.meta, { step: 2, kept: true });
  assertEquals(job.progress(), { value: 0.5, note: "half" });
  const { progress, progress_note } = job.toDict();
  assertEquals([progress, progress_note], [0.5, "half"]);
  assertEquals(ledger.lines(), ["followed", "elsewhere"]);
  const next = await bench.queue("low").fetchJob(String(follow));
  assertEquals(next?.funcName, "jobs.note");
  assertEquals(next?.description, `jobs.note('${ledger.path}', 'followed')`);
});

Deno.test("a job hears of its timeout by its signal before it is killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.heedsSignal",
    args: [ledger.path],
    timeout: 1,
  });
  await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["began", "aborted: TimeoutError"]);
  assertEquals(await job.getStatus(), "failed");
  assertMatch(
    await job.excInfo() ?? "",
    /JobTimeoutException: Task exceeded maximum timeout value \(1 seconds\)/,
  );
});

Deno.test("a job in an endless loop is killed at its timeout, and its grandchildren with it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using pids = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.spins",
    args: [pids.path],
    timeout: 1,
  });
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertMatch(await job.excInfo() ?? "", /JobTimeoutException/);
  assertEquals(pids.lines().length, 2);
  for (const pid of pids.lines()) {
    await waitFor(() => !isAlive(Number(pid)));
  }
});

Deno.test("a job that calls Deno.exit() fails, with the code", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.exits", 0);
  const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertMatch(await job.excInfo() ?? "", /Deno\.exit\(0\)/);
  assertEquals(await next.getStatus(), "finished");
});

Deno.test("--job-allow-… gives a job exactly those permissions", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hi"),
  );
  const low = bench.queue("low");
  const { port } = server.addr;
  const there = await low.enqueue(
    "jobs.fetches",
    `http://127.0.0.1:${port}/`,
  );
  const elsewhere = `http://127.0.0.1:${freePort()}/`;
  const denied = await low.enqueue("jobs.fetches", elsewhere);
  const writes = await low.enqueue("jobs.note", "/tmp/never", "x");
  await burst([
    "low",
    "--url",
    redis.url,
    `--job-allow-net=127.0.0.1:${port}`,
  ]);
  assertEquals(await there.wait({ timeout: 1 }), 200);
  assertMatch(await denied.excInfo() ?? "", /NotCapable: Requires net access/);
  assertMatch(await writes.excInfo() ?? "", /NotCapable: Requires write/);
});

Deno.test("--job-allow-none gives a job no permission, and it can still add jobs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const sum = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const writes = await bench.queue("low").enqueue("jobs.note", "/tmp/x", "x");
  const adds = await bench.queue("low").enqueue("jobs.followUp", "/tmp/x");
  const rights = ["--job-allow-none", "--job-allow-enqueue=oth*,more"];
  await burst(["low", "--url", redis.url, ...rights]);
  assertEquals(await sum.wait({ timeout: 60 }), 3);
  assertMatch(await writes.excInfo() ?? "", /NotCapable/);
  await adds.wait({ timeout: 1 });
  assertEquals(await bench.queue("other").count(), 1);
});

Deno.test("a job adds jobs to its worker's queues only, if no others are allowed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const enqueues = (queue: string) =>
    low.enqueue("jobs.enqueuesNote", queue, ledger.path, queue);
  const own = [await enqueues("low"), await enqueues("high")];
  const others = [await enqueues("admin"), await enqueues("lowest")];
  await burst(["low", "high", "--url", redis.url, "--job-allow-none"]);
  for (const job of own) await job.wait({ timeout: 60 });
  for (const job of others) {
    assertMatch(
      await job.excInfo() ?? "",
      /Cannot enqueue on "(admin|lowest)": .* --job-allow-enqueue=/,
    );
  }
  assertEquals(await bench.queue("admin").count(), 0);
  assertEquals(await bench.queue("lowest").count(), 0);
});

Deno.test("nothing that whoever writes to Redis names is loaded from elsewhere than the paths", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const refused = [
    "node:child_process#execSync",
    "data:text/javascript,export default () => 1",
    "file:///etc/passwd#x",
    "npm:left-pad#default",
    "jsr:@std/path#join",
    "https://example.com/a.ts#b",
  ];
  const jobs = [];
  for (const [i, name] of refused.entries()) {
    const id = `job-${i}`;
    await bench.client.send("HSET", [
      `rq:job:${id}`,
      ...["data", JSON.stringify([name, null, [], {}])],
      ...["status", "queued", "origin", "low", "timeout", "180"],
      ...["created_at", "2024-01-01T00:00:00.000000Z"],
    ]);
    await bench.client.send("RPUSH", ["rq:queue:low", id]);
    jobs.push(await bench.queue("low").fetchJob(id));
  }
  await burst(["low", "--url", redis.url]);
  for (const job of jobs) {
    const text = await job!.excInfo() ?? "";
    assertMatch(text, /^(NotCapable|TypeError): Cannot run "/);
    assertEquals(/root:/.test(text), false);
  }
});

Deno.test("a worker that lacks a permission runs jobs without it, and says so once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await using worker = new WorkerProcess([
    "--burst",
    "low",
    "--url",
    redis.url,
  ], { flags: ["--allow-net", "--allow-read", "--allow-run", "--allow-env"] });
  const { code, stdout, stderr } = await worker.ended();
  assertEquals(code, 0, stderr);
  assertEquals(await job.wait({ timeout: 1 }), 3);
  assertEquals(stdout.match(/cannot be passed on/g)?.length ?? 0, 1, stdout);
});
