import { assert, assertEquals, assertMatch } from "@std/assert";
import { dependency } from "../../mod.ts";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

Deno.test("job show has the facts of a job, and how each attempt ended", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const queue = bench.queue("low");
  const job = await queue.enqueueCall({
    func: "jobs.fails",
    args: ["oh \x1b[31m"],
    retry: 1,
    meta: { who: "me" },
    tags: ["a"],
  });
  const child = await queue.enqueueCall({
    func: "jobs.nothing",
    dependsOn: dependency(job, { ifParentFails: "wait" }),
  });
  const show = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(["job", "show", ...args], env);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  const facts = (text: string) =>
    new Map(
      text.split("\n\n")[0]!.split("\n").map((line): [string, string] => {
        const [name = "", ...value] = line.split(/ {2,}/);
        return [name, value.join("  ")];
      }),
    );
  const waiting = facts(await show(job.id));
  assertEquals(waiting.get("id"), job.id);
  assertEquals(waiting.get("status"), "queued");
  assertEquals(waiting.get("position"), "0");
  assertEquals(waiting.get("args"), '["oh \\u001b[31m"]');
  assertEquals(waiting.get("dependent ids"), `["${child.id}"]`);
  assertEquals(waiting.get("meta"), '{"who":"me"}');
  assertEquals(waiting.get("retries left"), "1");
  assertEquals(waiting.get("group id"), undefined);

  await burst(["low", "--url", redis.url]);
  const [first, attempts, ...error] = (await show(job.id)).split("\n\n");
  assertEquals(facts(first!).get("status"), "failed");
  const rows = attempts!.split("\n").map((line) => line.split(/ {2,}/));
  assertEquals(rows.map(([attempt]) => attempt), ["ATTEMPT", "2", "1"]);
  assertEquals(rows.map((row) => row[5]), ["RESULT", "failed", "retried"]);
  assertMatch(rows[1]![6]!, /^RangeError: oh/);
  assertMatch(error.join("\n\n"), /^RangeError: oh .*\n +at /);
  assert(!(await show(job.id)).includes("\x1b"));
});

Deno.test("job show --json prints a document for each job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const queue = bench.queue("low");
  const [done, waiting] = [
    await queue.enqueue("jobs.add", 1, 2),
    await bench.queue("other").enqueue("jobs.add", 2, 3),
  ];
  await burst(["low", "--url", redis.url]);
  const args = ["job", "show", "--json", done.id, waiting.id];
  const { code, stdout } = await run(args, env);
  assertEquals(code, 0);
  const [first, second] = stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals([first.id, first.status, first.position], [
    done.id,
    "finished",
    null,
  ]);
  assertEquals(first.results.length, 1);
  assertEquals([first.results[0].type, first.results[0].returnValue], [
    "successful",
    3,
  ]);
  assertEquals(first.results[0].workerName, first.workerName);
  assertEquals([second.args, second.position, second.results], [[2, 3], 0, []]);
});

Deno.test("job show says what runs a job, and who has stopped it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const args = ["low", "--url", redis.url, "--name", "w1"];
  await using _worker = await WorkerProcess.listening(args);
  const folder = await Deno.makeTempDir();
  const files = [`${folder}/pid`, `${folder}/gate`];
  const job = await bench.queue("low").enqueue("jobs.waits", ...files);
  const facts = async () => {
    const { stdout } = await run(["job", "show", "--json", job.id], env);
    return JSON.parse(stdout);
  };
  await bench.hasStatus(job.id, "started");
  const { executions: [execution] } = await facts();
  assertEquals(execution.workerName, "w1");
  await job.stop({ by: "me", reason: "enough" });
  const stopped = await facts();
  assertEquals([stopped.status, stopped.executions], ["stopped", []]);
  assertEquals([stopped.stoppedBy.by, stopped.stoppedBy.reason], [
    "me",
    "enough",
  ]);
  assertEquals(stopped.results[0].type, "stopped");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("job show shows what it can of a job that it cannot read", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  await bench.push("low", "odd", {
    data: "\x80\x04",
    timeout: "soon",
    origin: "low",
  });
  const { code, stdout } = await run(["job", "show", "odd", "--json"], env);
  assertEquals(code, 0);
  const facts = JSON.parse(stdout);
  assertMatch(facts.funcName.unreadable, /pickle|serializer|read/i);
  assertEquals(facts.position, 0);
});

Deno.test("job show shows a result that it cannot read, such as one that Python has pickled", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  await bench.push("low", "odd", {
    status: "finished",
    origin: "low",
    data: "\x80\x04",
  });
  await bench.client.send("XADD", [
    ...["rq:results:odd", "*", "type", "1", "return_value"],
    btoa("\x80\x04M9\x30."),
  ]);
  const json = await run(["job", "show", "odd", "--json"], env);
  assertEquals([json.code, json.stderr], [0, ""]);
  const [result] = JSON.parse(json.stdout).results;
  assertEquals(result.type, "successful");
  assertMatch(result.returnValue.unreadable, /not valid JSON/);
  const text = await run(["job", "show", "odd"], env);
  assertEquals([text.code, text.stderr], [0, ""]);
  assertMatch(text.stdout, /successful +\{"unreadable"/);
});

Deno.test("job show of what does not exist ends with 1, of nothing with 2", async () => {
  await using redis = await RedisServer.start();
  const env = { REDIS_URL: redis.url };
  const missing = await run(["job", "show", "nobody"], env);
  assertEquals([missing.code, missing.stdout], [1, ""]);
  assertMatch(missing.stderr, /^No such job "nobody": .*\n$/);
  const none = await run(["job", "show"], env);
  assertEquals(none.code, 2);
  assertMatch(none.stderr, /^No job is named; job show --help .*\n$/);
  assertEquals((await run(["job", "show", "a b"], env)).code, 2);
});
