import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Queue } from "../../mod.ts";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { run } from "./support.ts";

/** The only job of a queue. */
async function onlyJob(queue: Queue) {
  const [id = "", ...others] = await queue.jobIds();
  assertEquals(others, []);
  const job = await queue.fetchJob(id);
  assert(job);
  return job;
}

Deno.test("enqueue reads arguments in RQ's syntax", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, '{"in": "a file"}');
  const { code, stdout, stderr } = await run([
    ...["enqueue", "-q", "low", "jobs.echo", "--url", redis.url],
    ...["text", ":[1, null]", "%(1, 'two')", "a=b=c", "n:=1.5", "t%=True"],
    ...[`:@${file}`, `raw=@${file}`, "--", "-x", "="],
  ]);
  assertEquals([code, stderr], [0, ""]);
  const job = await onlyJob(bench.queue("low"));
  assertEquals(job.funcName, "jobs.echo");
  assertEquals(job.args, [
    "text",
    [1, null],
    [1, "two"],
    { in: "a file" },
    "-x",
    "=",
  ]);
  assertEquals(job.kwargs, {
    a: "b=c",
    n: 1.5,
    t: true,
    raw: '{"in": "a file"}',
  });
  assertMatch(stdout, /^Enqueued jobs\.echo\('text', .*\) with job-id '/);
  assertMatch(stdout, new RegExp(`'${job.id}'\\.\\n$`));
  await Deno.remove(file);
});

Deno.test("enqueue takes the options of a job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const parent = await queue.enqueue("jobs.nothing");
  await bench.queue("low").enqueue("jobs.nothing");
  const env = { REDIS_URL: redis.url };
  const { stdout, stderr } = await run([
    ...["enqueue", "-q", "low", "jobs.add", "--timeout", "1h"],
    ...["--result-ttl", "-1", "--ttl", "2m", "--failure-ttl=30"],
    ...["--description", "adds", "--job-id", "j1", "--at-front"],
    ...["--retry-max", "3", "--retry-interval", "5", "--retry-interval", "9"],
    ...["--tag", "x", "--json", "%1", "%2"],
  ], env);
  assertEquals([stdout, stderr], ['{"id":"j1","status":"queued"}\n', ""]);
  assertEquals((await queue.jobIds())[0], "j1");
  const job = await queue.fetchJob("j1");
  assert(job);
  assertEquals(
    [job.timeout, job.resultTtl, job.failureTtl, job.description, job.tags],
    [3600, -1, 30, "adds", ["x"]],
  );
  assertEquals(await bench.field("rq:job:j1", "ttl"), "120");
  assertEquals(await bench.field("rq:job:j1", "retry_intervals"), "[5,9,9]");
  const waiting = await run([
    ...["enqueue", "-q", "low", "jobs.add", "--json"],
    ...["--depends-on", parent.id, "--depends-on", "j1"],
  ], env);
  assertEquals(JSON.parse(waiting.stdout).status, "deferred");
  for (
    const when of [
      ["--schedule-in", "1h"],
      ["--schedule-at", "2100-01-01T00:00:00"],
    ]
  ) {
    const later = await run(
      ["enqueue", "-q", "low", "jobs.add", "--json", ...when],
      env,
    );
    const { id, status } = JSON.parse(later.stdout);
    assertEquals(status, "scheduled");
    const score = Number(
      await bench.client.send("ZSCORE", ["rq:scheduled:low", id]),
    );
    if (when[0] === "--schedule-at") {
      assertEquals(score, new Date("2100-01-01T00:00:00").getTime() / 1000);
    }
  }
  assertEquals(
    await run(["enqueue", "jobs.add", "--quiet", "%1", "%2"], env),
    { code: 0, stdout: "", stderr: "" },
  );
});

Deno.test("enqueue --wait prints the result, or ends with 1 and the error", async () => {
  await using redis = await RedisServer.start();
  await using worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url],
  ]);
  const env = { REDIS_URL: redis.url };
  const call = ["enqueue", "-q", "low", "--wait"];
  assertEquals(await run([...call, "jobs.add", "%1", "%2"], env), {
    code: 0,
    stdout: "3\n",
    stderr: "",
  });
  const { code, stderr } = await run([...call, "jobs.fails", "oh"], env);
  assertEquals(code, 1);
  assertMatch(stderr, /^[^\n]*oh[^\n]*\n$/);
  worker.kill("SIGTERM");
  await worker.ended();
});

Deno.test("what enqueue has enqueued is run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const { stdout } = await run(
    ["enqueue", "--json", "jobs.add", "%1", "%2"],
    env,
  );
  await burst(["--url", redis.url]);
  const job = await bench.queue("default").fetchJob(JSON.parse(stdout).id);
  await waitForEqual(() => job!.result(), 3);
});

Deno.test.each([
  [["enqueue"], /enqueue needs a function/],
  [["enqueue", "f", ":{"], /Cannot read 1\. non keyword argument as JSON/],
  [["enqueue", "f", "a", "%x"], /Cannot read 2\. .* literal of Python/],
  [["enqueue", "f", "k:=x"], /Cannot read k as JSON/],
  [["enqueue", "f", "k=1", "k=2"], /"k" was given more than once/],
  [["enqueue", "f", "@/no/such/file"], /Cannot read file \/no\/such\/file/],
  [["enqueue", "f", "--timeout", "soon"], /timeout "soon"/],
  [["enqueue", "f", "--retry-max", "x"], /--retry-max "x"/],
  [["enqueue", "f", "--schedule-at", "never"], /Cannot use at/],
  [
    ["enqueue", "f", "--schedule-at", "2100-01-01", "--schedule-in", "5"],
    /both --schedule-in and --schedule-at/,
  ],
  [["enqueue", "f", "--job-id", "a b"], /job id "a b"/],
])("a mistake in %j ends with 2", async (args, says) => {
  const { code, stdout, stderr } = await run(args, {
    REDIS_URL: "redis://127.0.0.1:1",
  });
  assertMatch(stderr, says);
  assertMatch(stderr, /^[^\n]+; enqueue --help lists all flags\n$/);
  assertEquals([code, stdout], [2, ""]);
});
