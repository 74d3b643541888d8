import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";

function assertOneLine(stderr: string, pattern: RegExp): void {
  assertMatch(stderr, pattern);
  assertFalse(/^ {4}at |Uncaught|\n./m.test(stderr), `no one line: ${stderr}`);
}

Deno.test("a wrong password ends the worker with 1 and one line", async () => {
  await using redis = await RedisServer.start({
    args: ["--requirepass", "right"],
  });
  const urls = [
    redis.url,
    redis.url.replace("//", "//:wrong@"),
    redis.url.replace("//", "//somebody:right@"),
  ];
  for (const url of urls) {
    const { code, stdout, stderr } = await burst(["--url", url]);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertOneLine(stderr, /password|NOAUTH|WRONGPASS/i);
    assertFalse(stderr.includes("wrong@"), "the password was shown");
  }
  const { code } = await burst([
    "--url",
    redis.url.replace("//", "//:right@"),
  ]);
  assertEquals(code, 0);
});

Deno.test("a user that may not do what a worker does ends it with 1 and one line", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.client.send("ACL", [
    "SETUSER",
    "reader",
    "on",
    ">pass",
    "~*",
    "&*",
    "+@read",
    "+@connection",
  ]);
  const url = redis.url.replace("//", "//reader:pass@");
  const { code, stdout, stderr } = await burst(["--url", url]);
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertOneLine(stderr, /NOPERM/);
});

Deno.test("a key of a foreign type where the worker registers ends it with 1 and one line", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.client.send("SET", ["rq:worker:w1", "text"]);
  const { code, stderr } = await burst(["--url", redis.url, "--name", "w1"]);
  assertEquals(code, 1);
  assertOneLine(stderr, /WRONGTYPE|rq:worker:w1/);
});

Deno.test("a name that another worker has ends the second one with 1 and one line, and the first works on", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const args = ["low", "--url", redis.url, "--name", "w1"];
  await using first = await WorkerProcess.listening(args);
  const { code, stdout, stderr } = await burst(args);
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertOneLine(
    stderr,
    new RegExp(`"w1".*\\(pid ${first.pid}\\).*choose another --name`),
  );
  const job = await bench.queue("low").enqueue("jobs.add", 1, 1);
  assertEquals(await job.wait({ timeout: 10 }), 2);
});

Deno.test("a pid file that cannot be written ends the worker with 1 and one line", async () => {
  await using redis = await RedisServer.start();
  const { code, stderr } = await burst([
    "--url",
    redis.url,
    "--pid",
    "/no/such/directory/worker.pid",
  ]);
  assertEquals(code, 1);
  assertOneLine(stderr, /\/no\/such\/directory\/worker\.pid/);
});

Deno.test("a --deno program that is not there ends the worker with 1 and one line, and jobs are left alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 1);
  const { code, stderr } = await burst([
    "low",
    "--url",
    redis.url,
    "--deno",
    "/no/such/deno",
  ]);
  assertEquals(await job.getStatus(), "queued");
  assertEquals(code, 1);
  assertOneLine(stderr, /\/no\/such\/deno/);
});

Deno.test("a worker that may not start processes ends with 1 and one line, and jobs are left alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 1);
  const { code, stderr } = await burst(["low", "--url", redis.url], {
    flags: ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"],
  });
  assertEquals(await job.getStatus(), "queued");
  assertEquals(code, 1);
  assertOneLine(stderr, /--allow-run/);
});
