import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { childrenOf, isAlive } from "../support/proc.ts";
import { Program } from "../support/processes.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, JOBS, Ledger, WorkerProcess } from "./support.ts";

/** A worker that is running a job, which ends once `open()` has been called. */
async function busyWorker(
  redis: RedisServer,
  bench: Bench,
  ...flags: string[]
) {
  const stack = new AsyncDisposableStack();
  const pids = stack.use(new Ledger());
  const gate = `${pids.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  const job = await bench.queue("low").enqueue("jobs.waits", pids.path, gate);
  const worker = stack.use(
    await WorkerProcess.listening(["low", "--url", redis.url, ...flags]),
  );
  await waitFor(() => pids.lines().length === 1);
  return {
    job,
    worker,
    childPid: Number(pids.lines()[0]),
    open: () => Deno.writeTextFile(gate, ""),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("--max-time lets the job end, takes no other one and ends the worker with 0", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using busy = await busyWorker(redis, bench, "--max-time", "5s");
  const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
  await busy.worker.waitForOutput(/Worked for 5 seconds, warm shut down/);
  assertEquals(await busy.job.getStatus(), "started");
  await busy.open();
  const { code, stdout, stderr } = await busy.worker.ended();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertStringIncludes(stdout, "has worked as long as it may, quitting");
  assertEquals(await busy.job.getStatus(), "finished");
  assertEquals(await next.getStatus(), "queued");
});

Deno.test.each([["SIGINT"], ["SIGTERM"]] as const)(
  "%s lets the job end, takes no other one and ends the worker with 0",
  async (signal) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using busy = await busyWorker(redis, bench);
    const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
    busy.worker.kill(signal);
    await busy.worker.waitForOutput(/Warm shut down requested/);
    assertEquals(await busy.job.getStatus(), "started");
    await busy.open();
    const { code, stdout, stderr } = await busy.worker.ended();
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertStringIncludes(stdout, "stopping on request");
    assertEquals(await busy.job.wait({ timeout: 1 }), "went on");
    assertEquals(await next.getStatus(), "queued");
  },
);

Deno.test("Ctrl-C in a terminal, which signals the whole process group, lets the job end", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using pids = new Ledger();
  const gate = `${pids.path}.gate`;
  const job = await bench.queue("low").enqueue("jobs.waits", pids.path, gate);
  const flags = ["run", "-A", "--quiet", ...runFlags()];
  await using worker = new Program(
    new Deno.Command(Deno.execPath(), {
      args: [...flags, `${ROOT}/worker.ts`, "low", "--url", redis.url],
      cwd: JOBS,
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  await waitFor(() => pids.lines().length === 1);
  Deno.kill(-worker.pid, "SIGINT");
  await worker.waitForOutput(/Warm shut down requested/);
  await Deno.writeTextFile(gate, "");
  assertEquals((await worker.status).code, 0);
  assertEquals(await job.wait({ timeout: 1 }), "went on");
  await Deno.remove(gate);
});

Deno.test("a terminal's echo of a signal is not taken for a second one", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using busy = await busyWorker(redis, bench);
  busy.worker.kill("SIGINT");
  busy.worker.kill("SIGTERM");
  await busy.worker.waitForOutput(/Warm shut down requested/);
  await busy.open();
  const { code, stdout } = await busy.worker.ended();
  assertEquals(code, 0);
  assert(!stdout.includes("Cold"), stdout);
});

Deno.test("a second signal kills the job and puts it back at the head of its queue", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using busy = await busyWorker(redis, bench);
  const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
  busy.worker.kill("SIGTERM");
  await busy.worker.waitForOutput(/Warm shut down requested/);
  await busy.worker.killAgain("SIGTERM");
  const { code } = await busy.worker.ended();
  assertEquals(code, 0);
  assertEquals(isAlive(busy.childPid), false);
  assertEquals(await busy.job.getStatus(), "queued");
  assertEquals(await bench.queue("low").jobIds(), [busy.job.id, next.id]);
  assertEquals(await bench.client.send("ZCARD", ["rq:wip:low"]), 0);
});

Deno.test("what a worker with many jobs in hand puts back at once is in its old order, and in front of what has come since", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const queue = bench.queue("low");
  const jobs = await queue.enqueueMany(
    Array.from({ length: 40 }, () => ({
      func: "jobs.noteOnce",
      args: [ledger.path, "begun", gate],
    })),
  );
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--concurrency",
    "30",
    "--isolation",
    "shared",
  ]);
  await waitFor(() => ledger.lines().length >= 30);
  const later = await queue.enqueue("jobs.add", 1, 2);
  worker.kill("SIGTERM");
  await worker.waitForOutput(/Warm shut down requested/);
  await worker.killAgain("SIGTERM");
  assertEquals((await worker.ended({ timeout: 10_000 })).code, 0);
  assertEquals(await queue.jobIds(), [...jobs, later].map(({ id }) => id));
});

Deno.test("--grace ends a warm shutdown that takes too long", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using busy = await busyWorker(redis, bench, "--grace", "1s");
  busy.worker.kill("SIGTERM");
  const { code, stdout } = await busy.worker.ended();
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Cold shut down");
  assertEquals(isAlive(busy.childPid), false);
  assertEquals(await bench.queue("low").jobIds(), [busy.job.id]);
});

Deno.test("an idle worker leaves at once, and takes itself out of Redis", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "high",
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
  ]);
  const { client } = bench;
  for (const key of ["rq:workers", "rq:workers:high", "rq:workers:low"]) {
    assertEquals(await client.send("SMEMBERS", [key]), ["rq:worker:w1"]);
  }
  assertEquals(await bench.field("rq:worker:w1", "queues"), "high,low");
  await bench.workerIs("w1", "idle");
  assertEquals(await bench.field("rq:worker:w1", "pid"), String(worker.pid));
  const ttl = Number(await client.send("TTL", ["rq:worker:w1"]));
  assert(ttl > 30 && ttl <= 120, `the hash lives for ${ttl} s`);
  worker.kill("SIGINT");
  const { code } = await worker.ended();
  assertEquals(code, 0);
  const sets = await client.send("KEYS", ["rq:workers*"]);
  assertEquals(sets, []);
  assert(await bench.field("rq:worker:w1", "death"));
  await waitForEqual<unknown>(
    () => client.send("CLIENT", ["LIST", "TYPE", "pubsub"]),
    "",
  );
});

Deno.test("a worker leaves no process behind", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 10 }), 3);
  await waitFor(() => childrenOf(worker.pid).length > 0);
  const children = childrenOf(worker.pid);
  worker.kill("SIGTERM");
  await worker.ended();
  for (const pid of children) await waitFor(() => !isAlive(pid));
});

Deno.test("the name of a worker that left is free at once", async () => {
  await using redis = await RedisServer.start();
  const args = ["low", "--url", redis.url, "--name", "w1"];
  for (let i = 0; i < 2; i++) {
    await using worker = await WorkerProcess.listening(args);
    worker.kill("SIGTERM");
    assertEquals((await worker.ended()).code, 0);
  }
});
