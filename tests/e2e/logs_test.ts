/** What jobs log and print is kept with them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Job } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, WorkerProcess } from "./support.ts";

/** The lines of a log as `source: text`, sorted by their sources, whose order is nobody's concern. */
async function logOf(job: Job): Promise<string[]> {
  const lines = await Array.fromAsync(job.logs());
  return lines.map(({ source, text }) => `${source}: ${text}`)
    .sort((a, b) => a.split(":")[0]!.localeCompare(b.split(":")[0]!));
}

const LOGGED = [
  "log: logged { files: 3 } [ 'a' ]".replaceAll("'", '"'),
  "log: two",
  "log: lines",
];
const PRINTED = ["stderr: complained", "stdout: printed", "stdout: grüße"];

Deno.test.each([
  ["process", true],
  ["process", false],
  ["reuse", true],
  ["shared", true],
])(
  "isolation %s, captured %j: a job's log is kept",
  async (isolation, captured) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const job = await bench.queue("low").enqueue("logs.logsAndPrints");
    const { stdout } = await burst([
      "low",
      "--url",
      redis.url,
      "--isolation",
      isolation,
      ...(captured ? ["--capture-logs", "64KB"] : []),
    ]);
    assertMatch(stdout, /^printed$/m);
    const isKept = captured && isolation !== "shared";
    assertEquals(await logOf(job), [...LOGGED, ...(isKept ? PRINTED : [])]);
    const warned = /low print is not kept/.test(stdout);
    assertEquals(warned, isolation === "shared");
    const ttl = Number(await bench.client.send("TTL", [`rq:x_log:${job.id}`]));
    assert(ttl > 400 && ttl <= 500, `it lives for ${ttl} s`);
  },
);

Deno.test("what the jobs of one process print is kept with each of them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const jobs = [];
  for (let i = 0; i < 30; i++) {
    jobs.push(await queue.enqueue("logs.prints", `job ${i}`));
  }
  await burst([
    "low",
    "--url",
    redis.url,
    "--isolation",
    "reuse",
    "--capture-logs=1KB",
  ]);
  for (const [i, job] of jobs.entries()) {
    const expected = [`stderr: job ${i} complains`, `stdout: I am job ${i}`];
    assertEquals(await logOf(job), expected);
  }
});

Deno.test("the log of a job that fails, and of one that ends its process, is kept with them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const failed = await queue.enqueue("logs.failsAloud");
  const ended = await queue.enqueue("logs.exitsAloud");
  await burst(["low", "--url", redis.url, "--capture-logs=1KB"]);
  assertEquals(await failed.getStatus(), "failed");
  assertEquals(await logOf(failed), [
    "log: about to fail",
    "stdout: last words",
  ]);
  assertEquals(await logOf(ended), ["stderr: before the exit"]);
});

Deno.test("of a job that prints 5 MB in one line, and logs 20,000 lines, the end is kept", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const loud = await queue.enqueue("logs.prints", "loud", 5_000_000);
  const many = await queue.enqueue("logs.logsMany", 20_000);
  await burst(["low", "--url", redis.url, "--capture-logs=64KB"]);
  assertEquals([await loud.getStatus(), await many.getStatus()], [
    "finished",
    "finished",
  ]);
  const kept = await Array.fromAsync(loud.logs());
  const bytes = kept.reduce((sum, { text }) => sum + text.length, 0);
  assert(bytes > 40_000 && bytes <= 65_536, `${bytes} bytes`);
  const lines = await Array.fromAsync(many.logs());
  assertEquals(lines.at(-1)!.text, "line 20000");
  assert(lines.length > 1_000 && lines.length < 3_000, `${lines.length}`);
});

Deno.test("a log is followed while the job runs, until it has ended", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const file = await Deno.makeTempFile();
  await Deno.remove(file);
  const job = await bench.queue("low").enqueue("logs.logsUntil", file);
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--capture-logs=64KB",
  ]);
  const seen: string[] = [];
  for await (const { text } of job.logs({ follow: true })) {
    seen.push(text);
    if (seen.length === 2) await Deno.writeTextFile(file, "");
  }
  await Deno.remove(file);
  assertEquals(seen.sort(), ["begun", "done", "printed at once"]);
});
