import { assertEquals } from "@std/assert";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { isAlive } from "../support/proc.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, Ledger, WorkerProcess } from "../e2e/support.ts";

/** How often a text occurs in another. */
function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}

Deno.test("a worker that finds no Redis says so once, and works when there is one", async () => {
  const port = freePort();
  const url = `redis://127.0.0.1:${port}`;
  await using worker = new WorkerProcess(["low", "--url", url]);
  await worker.waitForOutput(/Cannot reach Redis at redis:\/\/127/);
  await using redis = await RedisServer.start({ port });
  await worker.waitForOutput(/\*\*\* Listening on low\.\.\./);
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 10 }), 3);
  assertEquals(occurrences(worker.stdout, "Cannot reach Redis"), 1);
});

Deno.test("a worker says that Redis has too many clients, at its first connection and at further ones, and works when there is room", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const words = "ERR max number of clients reached";
  await bench.client.send("CONFIG", ["SET", "maxclients", 1]);
  await using worker = new WorkerProcess(["low", "--url", redis.url]);
  await worker.waitForOutput(new RegExp(`Cannot reach Redis .*${words}`));
  await bench.client.send("CONFIG", ["SET", "maxclients", 2]);
  await worker.waitForOutput(
    new RegExp(`Cannot open a further connection .*${words}`),
  );
  await bench.client.send("CONFIG", ["SET", "maxclients", 100]);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await worker.waitForOutput(/Listening on low/);
  await bench.hasStatus(job.id, "finished");
  assertEquals(occurrences(worker.stdout, words), 2);
});

Deno.test("a worker that has never found a Redis leaves on a signal", async () => {
  const url = `redis://127.0.0.1:${freePort()}`;
  await using worker = new WorkerProcess(["low", "--url", url]);
  await worker.waitForOutput(/Cannot reach Redis/);
  worker.kill("SIGTERM");
  await worker.waitForOutput(/Warm shut down requested/);
  const { stderr } = await worker.ended();
  assertEquals(/^ {4}at /m.test(stderr), false, stderr);
});

Deno.test.each([{ flags: ["--verbose"] }, { flags: ["--with-scheduler"] }])(
  "an idle worker with $flags whose Redis is gone leaves on a signal",
  async ({ flags }) => {
    await using redis = await RedisServer.start();
    await using worker = await WorkerProcess.listening([
      "low",
      "--url",
      redis.url,
      ...flags,
    ]);
    await redis.kill();
    await worker.waitForOutput(/Lost the connection to Redis/);
    worker.kill("SIGTERM");
    await worker.ended();
  },
);

Deno.test("a Redis that is full while it is suspended neither ends a worker nor fails what runs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using gate = new Ledger();
  using pids = new Ledger();
  const job = await bench.queue("low").enqueue(
    "jobs.waits",
    pids.path,
    `${gate.path}.open`,
  );
  await using worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--concurrency", "2"],
  ]);
  await bench.hasStatus(job.id, "started");
  await bench.client.send("SET", ["rq:suspended", 1]);
  await bench.client.send("CONFIG", ["SET", "maxmemory", 1]);
  await worker.waitForOutput(/Worker suspended/);
  await bench.client.send("CONFIG", ["SET", "maxmemory", 0]);
  await Deno.writeTextFile(`${gate.path}.open`, "");
  await bench.hasStatus(job.id, "finished");
  await Deno.remove(`${gate.path}.open`);
  worker.kill("SIGTERM");
  await worker.ended();
});

Deno.test("an idle worker whose Redis has gone silent leaves on a signal", async () => {
  await using redis = await RedisServer.start();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  redis.pause();
  worker.kill("SIGTERM");
  await worker.ended();
});

Deno.test("a busy worker whose Redis is gone leaves on the second signal, its job dead", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using pids = new Ledger();
  await bench.queue("low").enqueue("jobs.waits", pids.path, "/no/such/gate");
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await waitFor(() => pids.lines().length === 1);
  await bench.client.close();
  await redis.kill();
  worker.kill("SIGTERM");
  await worker.waitForOutput(/Warm shut down requested/);
  await worker.waitForOutput(/Lost the connection to Redis/);
  await worker.killAgain("SIGINT");
  await worker.ended();
  const [pid] = pids.lines().map(Number);
  await waitFor(() => !isAlive(pid!));
});

Deno.test("a Redis that was restarted empty gets its worker back, and the worker goes on", async () => {
  await using redis = await RedisServer.start();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
  ]);
  await redis.kill();
  await redis.restart();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 60 }), 3);
  const members = () => bench.client.send("SMEMBERS", ["rq:workers"]);
  await waitForEqual<unknown>(members, ["rq:worker:w1"]);
  await waitForEqual(() => bench.field("rq:worker:w1", "queues"), "low");
  await waitFor(async () =>
    String(await bench.client.send("PUBSUB", ["NUMSUB", "rq:pubsub:w1"])) ===
      "rq:pubsub:w1,1"
  );
  await bench.client.send("PUBLISH", [
    "rq:pubsub:w1",
    JSON.stringify({ command: "shutdown" }),
  ]);
  assertEquals((await worker.ended()).code, 0);
});

Deno.test("a job that runs while its Redis loses everything is killed and not recorded", async () => {
  await using redis = await RedisServer.start();
  using pids = new Ledger();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--job-monitoring-interval",
    "1",
  ]);
  {
    await using bench = new Bench(redis.url);
    await bench.queue("low").enqueue("jobs.waits", pids.path, "/no/such/gate");
    await waitFor(() => pids.lines().length === 1);
  }
  await redis.kill();
  await redis.restart();
  await worker.waitForOutput(/low: Lease lost, job killed, nothing recorded/);
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 10 }), 3);
});

Deno.test("a worker outlives a Redis that is out of memory, and goes on when it has some", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const setMemory = (value: string) =>
    bench.client.send("CONFIG", ["SET", "maxmemory", value]);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 10 }), 3);
  await setMemory("1");
  await worker.waitForOutput(/OOM/);
  await setMemory("0");
  const next = await bench.queue("low").enqueue("jobs.add", 2, 2);
  assertEquals(await next.wait({ timeout: 20 }), 4);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).code, 0);
});

Deno.test("a job that ends while Redis is out of memory is recorded once there is some", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueue(
    "jobs.noteOnce",
    ledger.path,
    "done",
    gate,
  );
  await waitFor(() => ledger.lines().includes("began done"));
  await bench.client.send("CONFIG", ["SET", "maxmemory", "1"]);
  await Deno.writeTextFile(gate, "");
  // Redis lets a script write on that has freed something first, so that it may be recorded even now.
  await worker.waitForOutput(/Job OK|Redis does not take the end of the job/);
  await bench.client.send("CONFIG", ["SET", "maxmemory", "0"]);
  assertEquals(await job.wait({ timeout: 20 }), "done");
  assertEquals(ledger.lines(), ["began done", "done"]);
  await worker.waitForOutput(/low: Job OK/);
  await Deno.remove(gate);
});

Deno.test("a Redis that is silent for 12 s and comes back finds its worker working", async () => {
  await using redis = await RedisServer.start();
  using ledger = new Ledger();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const resumed = performance.now() + 12_000;
  redis.pause();
  await waitFor(() => performance.now() > resumed, { timeout: 20_000 });
  redis.resume();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue(
    "jobs.note",
    ledger.path,
    "after",
  );
  assertEquals(await job.wait({ timeout: 15 }), "after");
  assertEquals(ledger.lines(), ["after"]);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).code, 0);
});
