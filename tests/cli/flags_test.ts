import {
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { Bench, burst, JOBS, logLines, WorkerProcess } from "../e2e/support.ts";

Deno.test("queues are taken from --queues, given once or often, and from what is no flag", async () => {
  await using redis = await RedisServer.start();
  const url = ["--url", redis.url];
  const cases: [string[], string][] = [
    [[], "default"],
    [["low"], "low"],
    [["high", "low"], "high, low"],
    [["worker", "low"], "low"],
    [["--queues", "info"], "info"],
    [["--queues", "high,default,low"], "high, default, low"],
    [["--queues=high", "--queues=low,high"], "high, low"],
    [["--queues", "high, low ,default"], "high, low, default"],
    [["--queues", "high", "low"], "high, low"],
    [["-b", "low"], "low"],
    [["--", "low"], "low"],
    [["7"], "7"],
    [["--queues", "007"], "007"],
  ];
  for (const [args, listening] of cases) {
    const { stdout, stderr } = await burst([...url, ...args]);
    assertStringIncludes(
      stdout,
      `*** Listening on ${listening}...`,
      `${args}: ${stderr}`,
    );
  }
});

Deno.test("--logging_level is Python's spelling of --logging-level", async () => {
  await using redis = await RedisServer.start();
  for (const args of [["--logging_level", "warning"], ["--quiet"], ["-q"]]) {
    const { code, stdout, stderr } = await burst([
      ...args,
      "--url",
      redis.url,
    ]);
    assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  }
});

Deno.test("--quiet leaves what jobs print alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.hello", "you");
  const { stdout } = await burst(["low", "--quiet", "--url", redis.url]);
  assertEquals(stdout, "hello ,you\n");
});

Deno.test("--results-ttl takes -1 as its value", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  for (const args of [["--results-ttl", "-1"], ["--results_ttl=-1"]]) {
    const job = await bench.queue("low").enqueue("jobs.nothing");
    const { stdout } = await burst(["low", "--url", redis.url, ...args]);
    assertStringIncludes(stdout, "Result will never expire");
    assertEquals(await bench.client.send("TTL", [`rq:job:${job.id}`]), -1);
    assertEquals(
      await bench.client.send("ZSCORE", ["rq:finished:low", job.id]),
      "inf",
    );
  }
});

Deno.test("--log-format json writes one object a line, and leaves what jobs print alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.hello", 'a "quoted"\nname');
  await bench.queue("low").enqueue("jobs.fails", "two\nlines");
  const { stdout, stderr } = await burst([
    "low",
    "--log-format",
    "json",
    "--url",
    redis.url,
  ]);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  const messages = lines.map((line) => JSON.parse(line).message);
  assertStringIncludes(messages.join("\n"), "*** Listening on low...");
  assertStringIncludes(stdout, '\nhello ,a "quoted"\nname\n');
  const error = JSON.parse(stderr.split("\n")[0] ?? "");
  assertEquals(error.level, "ERROR");
  assertStringIncludes(error.error, "RangeError: two\nlines");
  assertFalse(Number.isNaN(Date.parse(error.time)));
});

Deno.test("--disable-job-desc-logging keeps arguments out of the log", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.echo", "secret");
  const { stdout } = await burst([
    "low",
    "--disable-job-desc-logging",
    "--url",
    redis.url,
  ]);
  assertFalse(stdout.includes("secret"));
  assertStringIncludes(stdout, `low: ${job.id}\n`);
});

Deno.test("--pid writes a file while the worker lives", async () => {
  await using redis = await RedisServer.start();
  const directory = await Deno.makeTempDir();
  const file = `${directory}/worker.pid`;
  const args = ["low", "--url", redis.url, "--pid", file];
  {
    await using worker = await WorkerProcess.listening(args);
    assertEquals(await Deno.readTextFile(file), `${worker.pid}\n`);
    worker.kill("SIGTERM");
    assertEquals((await worker.ended()).code, 0);
  }
  for await (const { name } of Deno.readDir(directory)) {
    throw new Error(`${name} is left`);
  }
  {
    await using worker = await WorkerProcess.listening(args);
    await Deno.remove(file);
    worker.kill("SIGTERM");
    const { code, stderr } = await worker.ended();
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
  }
  await Deno.remove(directory);
});

Deno.test("REDIS_URL says where Redis is, RQ_REDIS_URL before it, --url before both", async () => {
  await using redis = await RedisServer.start();
  const nowhere = `redis://127.0.0.1:${freePort()}`;
  const cases: [string[], Record<string, string>][] = [
    [[], { REDIS_URL: redis.url }],
    [[], { REDIS_URL: nowhere, RQ_REDIS_URL: redis.url }],
    [["--url", redis.url], { REDIS_URL: nowhere, RQ_REDIS_URL: nowhere }],
    [["-u", redis.url], { REDIS_URL: nowhere }],
    [[], { REDIS_URL: "", REDIS_PORT: `${redis.port}` }],
  ];
  for (const [args, env] of cases) {
    const { stdout } = await burst(args, { env });
    assertStringIncludes(stdout, "done, quitting");
  }
});

Deno.test("--path says where job modules are, and may be given often", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const cwd = await Deno.makeTempDir();
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await burst(["low", "--url", redis.url, "--path", cwd, "--path", JOBS], {
    cwd,
  });
  assertEquals(await job.wait({ timeout: 1 }), 3);
  const lost = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const { stderr } = await burst(["low", "--url", redis.url], { cwd });
  assertMatch(stderr, /Cannot find the module of "jobs\.add": looked for /);
  assertEquals(await lost.getStatus(), "failed");
  await Deno.remove(cwd);
});

Deno.test("--prefix keeps two systems on one Redis apart", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.hello", "you");
  const { stdout } = await burst([
    "low",
    "--prefix",
    "{mine}:",
    "--url",
    redis.url,
  ]);
  assertEquals(logLines(stdout).length, 4);
  assertEquals(await bench.queue("low").count(), 1);
});

Deno.test("flags of RQ's start scripts that mean nothing here are taken with a warning", async () => {
  await using redis = await RedisServer.start();
  const script = [
    ...["--job-monitoring-interval", "30", "-S", "json", "-d"],
    ...["-ds", "round_robin", "--date-format", "%H:%M:%S", "-v"],
    ...["--log-format", "%(asctime)s %(message)s"],
    ...["-w", "rq.worker.Worker", "-j", "rq.job.Job"],
    ...["--connection-class", "redis.Redis", "--queue-class", "rq.Queue"],
  ];
  const args = ["-u", redis.url, "-n", "w1", "-P", ".", ...script, "low"];
  const { code, stdout, stderr } = await burst(args);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const lines = logLines(stdout);
  const useless = [
    "worker-class",
    "job-class",
    "queue-class",
    "connection-class",
    "disable-default-exception-handler",
  ];
  assertEquals(lines.slice(0, useless.length + 1), [
    ...useless.map((name) => `--${name} has no effect in this worker`),
    "--job-monitoring-interval 30 is too long for leases of 15 seconds: heartbeats come every 5 seconds",
  ]);
});

Deno.test("--log-format and --date-format take Python's formats", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.fails", "two\nlines");
  const { stdout, stderr } = await burst([
    ...["low", "--url", redis.url, "--date-format", "<%d.%m.%Y>"],
    ...["--log-format", "%(levelname)-8s|%(asctime)s|%(message)s"],
  ]);
  assertMatch(stdout, /^INFO {4}\|<\d\d\.\d\d\.\d{4}>\|.*Listening on low/m);
  assertMatch(stderr, /^ERROR {3}\|<[\d.]+>\|.*\n {2}RangeError: two\n/);
});

Deno.test("--job-deno-arg reaches the deno of jobs, given often and with or without =", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.denoFlags");
  await burst([
    ...["low", "--url", redis.url, "--job-deno-arg", "--unstable-kv"],
    "--job-deno-arg=--v8-flags=--expose-gc",
  ]);
  assertEquals(await job.wait({ timeout: 5 }), { kv: true, gc: true });
});
