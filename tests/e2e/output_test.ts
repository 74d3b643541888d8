import { assertEquals, assertStringIncludes } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, JOBS, WorkerProcess } from "./support.ts";

Deno.test("a worker whose stdout is closed does not lose or fail jobs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const chatty = await low.enqueue("jobs.chatters", 100);
  const next = await low.enqueue("jobs.add", 1, 2);
  const deno = [Deno.execPath(), "run", "-A", "--quiet", ...runFlags()];
  const worker = [...deno, `${ROOT}/worker.ts`, "low", "--url", redis.url];
  const shell = new Deno.Command("sh", {
    args: ["-c", '"$@" --burst | head -n 2', "sh", ...worker],
    cwd: JOBS,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await shell.status;
  // A program may end when nobody reads what it prints; its jobs must then be there for the next one,
  // be it only once the lease of the first one has ended.
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  for (const job of [chatty, next]) await bench.hasStatus(job.id, "finished");
  assertEquals(await next.result(), 3);
});

Deno.test("a result of 20 MB is stored", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.big", 20_000_000);
  const { code, stdout } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Job OK");
  assertEquals((await job.wait({ timeout: 5 }) as string).length, 20e6);
});

Deno.test("arguments of 20 MB reach the job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const text = "y".repeat(20_000_000);
  const job = await bench.queue("low").enqueue("jobs.lengthOf", text);
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(await job.wait({ timeout: 5 }), 20e6);
});

Deno.test("what jobs print comes in their order, line by line", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  for (let i = 0; i < 3; i++) {
    await bench.queue("low").enqueue("jobs.chatters", 20);
  }
  const { stdout } = await burst(["low", "--quiet", "--url", redis.url]);
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  assertEquals(stdout.trim().split("\n"), [...lines, ...lines, ...lines]);
});
