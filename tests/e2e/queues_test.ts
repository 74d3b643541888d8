import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, logLines, WorkerProcess } from "./support.ts";

const QUEUES = ["high", "default", "low"];

/** Puts three jobs on each of three queues, the least important first. */
async function fill(bench: Bench, ledger: Ledger): Promise<void> {
  for (const name of QUEUES.toReversed()) {
    for (const n of [1, 2, 3]) {
      await bench.queue(name).enqueue(
        "jobs.note",
        ledger.path,
        `${name} ${n}`,
      );
    }
  }
}

Deno.test("queues have strict priority, from left to right", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await fill(bench, ledger);
  await burst(["--queues", QUEUES.join(), "--url", redis.url]);
  assertEquals(
    ledger.lines(),
    QUEUES.flatMap((name) => [1, 2, 3].map((n) => `${name} ${n}`)),
  );
});

Deno.test("a job of a better queue is next, whenever it came", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const low = bench.queue("low");
  await low.enqueue("jobs.noteOnce", ledger.path, "first", gate);
  const last = await low.enqueue("jobs.note", ledger.path, "last");
  await using worker = await WorkerProcess.listening([
    ...QUEUES,
    "--url",
    redis.url,
  ]);
  await worker.waitForOutput(/low: jobs\.noteOnce/);
  await bench.queue("high").enqueue("jobs.note", ledger.path, "high");
  await bench.queue("high").enqueueCall({
    func: "jobs.note",
    args: [ledger.path, "front"],
    atFront: true,
  });
  await Deno.writeTextFile(gate, "");
  await last.wait({ timeout: 10 });
  await Deno.remove(gate);
  assertEquals(ledger.lines(), [
    "began first",
    "first",
    "front",
    "high",
    "last",
  ]);
});

Deno.test("--dequeue-strategy round_robin takes one job of each queue in turn", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await fill(bench, ledger);
  await burst([
    ...QUEUES,
    "--dequeue-strategy",
    "round_robin",
    "--url",
    redis.url,
  ]);
  assertEquals(
    ledger.lines(),
    [1, 2, 3].flatMap((n) => QUEUES.map((name) => `${name} ${n}`)),
  );
});

Deno.test("--dequeue-strategy random runs everything", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await fill(bench, ledger);
  await burst([...QUEUES, "--dequeue-strategy", "random", "--url", redis.url]);
  assertEquals(ledger.lines().length, 9);
  assertEquals(ledger.counts().size, 9);
});

Deno.test("--dequeue-strategy weighted takes jobs of each queue in proportion", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const jobs = (queue: string, count: number) =>
    bench.queue(queue).enqueueMany(
      Array.from({ length: count }, () => ({
        func: "jobs.note",
        args: [ledger.path, queue],
      })),
    );
  await jobs("low", 3);
  await jobs("high", 6);
  await burst([
    ...["--queues", "high,low", "--isolation", "reuse"],
    ...["--dequeue-strategy", "weighted:high=2", "--url", redis.url],
  ]);
  const shares = [0, 3, 6].map((from) =>
    ledger.lines().slice(from, from + 3).sort().join(" ")
  );
  assertEquals(shares, Array(3).fill("high high low"));
});

Deno.test("an idle worker of many queues takes what comes on any of them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    ...QUEUES,
    "--url",
    redis.url,
  ]);
  for (const name of [...QUEUES, ...QUEUES.toReversed()]) {
    const job = await bench.queue(name).enqueue("jobs.add", 1, 2);
    assertEquals(await job.wait({ timeout: 10 }), 3);
  }
  // A sweep that sees an id in the intermediate list stores when; that key expires.
  const keys = () => bench.client.send("KEYS", ["rq:*intermediate*"]);
  await waitForEqual<unknown>(keys, []);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).stderr, "");
});

Deno.test("an idle worker takes what a Python producer pushes, be it before its hash", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const data = '["jobs.add", null, [1, 2], {}]';
  await bench.push("low", "python", { data, origin: "low", timeout: 9 });
  await bench.hasStatus("python", "finished");
});

Deno.test("burst mode waits for the jobs that its jobs add", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueue("jobs.followUp", ledger.path);
  const { code } = await burst(["other", "low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(ledger.lines().sort(), ["elsewhere", "followed"]);
});

Deno.test("--max-jobs ends the worker after so many, the failed ones counted", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  await low.enqueue("jobs.fails", "no");
  for (let i = 0; i < 3; i++) await low.enqueue("jobs.add", i, i);
  await using worker = new WorkerProcess([
    "low",
    "--max-jobs",
    "2",
    "--url",
    redis.url,
  ]);
  const { code, stdout } = await worker.ended();
  assertEquals(code, 0);
  assertEquals(await low.count(), 2);
  assertStringIncludes(stdout, "finished executing 2 jobs, quitting");
});

Deno.test("--max-idle-time ends a worker that has had nothing to do for so long", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await using worker = new WorkerProcess([
    "low",
    "--max-idle-time",
    "1",
    "--url",
    redis.url,
  ]);
  const { code, stdout } = await worker.ended();
  assertEquals(code, 0);
  assertEquals(await job.getStatus(), "finished");
  assertEquals(
    logLines(stdout).at(-1)?.includes("idle for too long, quitting"),
    true,
  );
});

Deno.test("what has expired, was canceled or deleted in the queue is not run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const func = "jobs.note";
  const expired = await low.enqueueCall({
    func,
    args: [ledger.path, "expired"],
    ttl: 1,
  });
  const canceled = await low.enqueue(func, ledger.path, "canceled");
  const deleted = await low.enqueue(func, ledger.path, "deleted");
  const byHand = await low.enqueue(func, ledger.path, "by hand");
  await low.enqueue(func, ledger.path, "sound");
  await canceled.cancel();
  await deleted.delete();
  await bench.client.send("DEL", [`rq:job:${byHand.id}`]);
  await bench.hasStatus(expired.id, null);
  const { stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["sound"]);
  assertEquals(stderr, "");
  assertEquals(await canceled.getStatus(), "canceled");
});

Deno.test("two jobs of one id on the queue are one run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.note",
    args: [ledger.path, "once"],
    resultTtl: 0,
  });
  await bench.client.send("RPUSH", ["rq:queue:low", job.id, job.id]);
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(ledger.lines(), ["once"]);
  assert(await bench.queue("low").isEmpty());
});

Deno.test("a queue's name may hold colons, spaces and letters beyond ASCII", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const name = "e-mail: für ✓";
  const job = await bench.queue(name).enqueue("jobs.add", 1, 2);
  const { code, stdout } = await burst(["--queues", name, "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(await job.result(), 3);
  assertStringIncludes(stdout, `*** Listening on ${name}...`);
  await using _worker = await WorkerProcess.listening([
    "--queues",
    name,
    "--url",
    redis.url,
  ]);
  const next = await bench.queue(name).enqueue("jobs.add", 2, 2);
  assertEquals(await next.wait({ timeout: 10 }), 4);
});
