import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { run } from "./support.ts";

/** Queues and workers: 25 jobs on high, one that runs on low, a failed one. */
async function fill(bench: Bench, url: string): Promise<WorkerProcess> {
  const high = bench.queue("high");
  await high.enqueueMany(
    Array.from({ length: 25 }, () => ({ func: "jobs.nothing" })),
  );
  const args = ["low", "--url", url, "--name", "w1"];
  const worker = await WorkerProcess.listening(args);
  const failed = await bench.queue("low").enqueue("jobs.fails", "oh");
  await bench.hasStatus(failed.id, "failed");
  await waitForEqual(
    () => bench.field("rq:worker:w1", "failed_job_count"),
    "1",
  );
  await bench.workerIs("w1", "idle");
  return worker;
}

Deno.test("info shows queues with bars, and workers", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using _worker = await fill(bench, redis.url);
  const env = { REDIS_URL: redis.url };
  const shown = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(["info", ...args], env);
    assertEquals([code, stderr], [0, ""], args.join());
    return stdout.trimEnd().split("\n");
  };
  const queues = [
    "high         |██████████ 25, 0 executing, 0 finished, 0 failed",
    "low          | 0, 0 executing, 0 finished, 1 failed",
    "2 queues, 25 jobs total",
  ];
  const workers = [
    /^w1 \(\S+ 127\.0\.0\.1:\d+ \d+\): idle low\. jobs: 0 finished, 1 failed$/,
    /^1 workers, 2 queues$/,
  ];
  const both = await shown();
  assertEquals(both.slice(0, 4), [...queues, ""]);
  workers.forEach((pattern, i) => assertMatch(both[4 + i]!, pattern));
  assertMatch(both[7]!, /^Updated: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$/);
  assertEquals(await shown("-Q"), queues);
  const onlyWorkers = await shown("-W");
  assertEquals(onlyWorkers.length, 2);
  workers.forEach((pattern, i) => assertMatch(onlyWorkers[i]!, pattern));
  assertEquals(await shown("-W", "-R"), [
    "high: –",
    "low:  w1 (idle)",
    "1 workers, 2 queues",
  ]);
  const raw = await shown("--raw");
  assertEquals(raw.slice(0, 2), [
    "queue high 25, 0 executing, 0 finished, 0 failed",
    "queue low 0, 0 executing, 0 finished, 1 failed",
  ]);
  assertMatch(raw[2]!, /^worker w1 \(.*\) idle low\. jobs: 0 .*, 1 failed$/);
  assertEquals((await shown("high")).at(-3), "0 workers, 1 queues");
  const json = JSON.parse((await shown("--json")).join("\n"));
  assertEquals(json.queues[0].count, 25);
  assertEquals([json.workers[0].name, json.workers[0].state], ["w1", "idle"]);
});

Deno.test("info -i shows it again and again, until Ctrl-C", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.nothing");
  const args = ["info", "-i", "0.05", "-Q", "--url", redis.url];
  await using program = new WorkerProcess(args);
  await program.waitForOutput(/1 jobs total/);
  await bench.queue("low").enqueue("jobs.nothing");
  await program.waitForOutput(/2 jobs total/);
  program.kill("SIGINT");
  const { code, stderr } = await program.ended();
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("info escapes what others have written", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.client.send("SADD", ["rq:queues", "rq:queue:evil\x1b[2J"]);
  await bench.client.send("SADD", ["rq:workers", "rq:worker:w\x07"]);
  await bench.client.send("HSET", ["rq:worker:w\x07", "queues", "a\nb"]);
  const { stdout } = await run(["info", "--url", redis.url]);
  assertStringIncludes(stdout, "evil\\x1b[2J");
  assertStringIncludes(stdout, "w\\x07 (");
  assert(!stdout.includes("\x07") && !stdout.includes("\x1b"));
});

Deno.test("a flag of info that makes no sense ends with 2", async () => {
  const { code, stderr } = await run(["info", "-i", "often"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--interval "often"/);
});
