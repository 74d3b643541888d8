import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isAlive } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** Defines a test for each isolation. */
function eachWay(name: string, body: (isolation: string) => Promise<void>) {
  for (const isolation of ["process", "reuse", "shared"]) {
    Deno.test(`${isolation}: ${name}`, () => body(isolation));
  }
}

/** A worker that is running four of five jobs at once. */
async function busyWorker(isolation: string) {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const pids = stack.use(new Ledger());
  const gate = `${pids.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  const jobs = await bench.queue("low").enqueueMany(
    [1, 2, 3, 4, 5].map((n) => ({
      func: "jobs.waits",
      args: [pids.path, gate],
      jobId: `job-${n}`,
    })),
  );
  const worker = stack.use(
    await WorkerProcess.listening([
      "low",
      "--concurrency",
      "4",
      "--name",
      "w1",
      "--url",
      redis.url,
      "--isolation",
      isolation,
    ]),
  );
  await waitFor(() => pids.lines().length === 4);
  return {
    bench,
    jobs,
    pids,
    worker,
    open: () => Deno.writeTextFile(gate, ""),
    statuses: () => Promise.all(jobs.map((job) => job.getStatus())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** How many of these processes are alive. */
function alive(pids: Ledger): number {
  return pids.lines().filter((pid) => isAlive(Number(pid))).length;
}

eachWay(
  "--concurrency runs so many jobs at once and no more, each with its own lease",
  async (isolation) => {
    await using busy = await busyWorker(isolation);
    const { bench } = busy;
    assertEquals(await busy.statuses(), [
      "started",
      "started",
      "started",
      "started",
      "queued",
    ]);
    assertEquals(await bench.client.send("ZCARD", ["rq:wip:low"]), 4);
    await bench.workerIs("w1", "busy");
    await busy.open();
    for (const job of busy.jobs) {
      assertEquals(await job.wait({ timeout: 10 }), "went on");
    }
    assertEquals(busy.pids.lines().length, 5);
    await bench.workerIs("w1", "idle");
    await waitForEqual(
      () => bench.field("rq:worker:w1", "successful_job_count"),
      "5",
    );
  },
);

eachWay(
  "stop-job stops one of several jobs, and another takes its place",
  async (isolation) => {
    await using busy = await busyWorker(isolation);
    const { bench, pids } = busy;
    await bench.client.send("PUBLISH", [
      "rq:pubsub:w1",
      JSON.stringify({ command: "stop-job", job_id: "job-2" }),
    ]);
    await bench.hasStatus("job-2", "stopped");
    // It does not listen: where all share a process, that one ends, and the others begin again.
    const begun = isolation === "shared" ? 8 : 5;
    await waitFor(() => pids.lines().length === begun);
    await waitForEqual(() => alive(pids), 4);
    await bench.workerIs("w1", "busy");
    await waitForEqual<unknown>(busy.statuses, [
      "started",
      "stopped",
      "started",
      "started",
      "started",
    ]);
  },
);

eachWay("a warm shutdown waits for all of several jobs", async (isolation) => {
  await using busy = await busyWorker(isolation);
  busy.worker.kill("SIGTERM");
  await busy.worker.waitForOutput(/Warm shut down requested/);
  assertEquals(alive(busy.pids), 4);
  await busy.open();
  const { code, stderr } = await busy.worker.ended();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const statuses = await busy.statuses();
  assertEquals(statuses.slice(0, 4), Array(4).fill("finished"));
  assertEquals(statuses[4], "queued");
});

eachWay("a cold shutdown puts all of several jobs back", async (isolation) => {
  await using busy = await busyWorker(isolation);
  busy.worker.kill("SIGTERM");
  await busy.worker.waitForOutput(/Warm shut down requested/);
  await busy.worker.killAgain("SIGTERM");
  assertEquals((await busy.worker.ended()).code, 0);
  await waitForEqual(() => alive(busy.pids), 0);
  const ids = await busy.bench.queue("low").jobIds();
  assertEquals(ids.toSorted(), ["job-1", "job-2", "job-3", "job-4", "job-5"]);
  assertEquals(ids.at(-1), "job-5");
  assertEquals(await busy.bench.client.send("ZCARD", ["rq:wip:low"]), 0);
});

eachWay("kill-horse fails all of several jobs", async (isolation) => {
  await using busy = await busyWorker(isolation);
  await busy.bench.client.send("PUBLISH", [
    "rq:pubsub:w1",
    JSON.stringify({ command: "kill-horse" }),
  ]);
  for (const n of [1, 2, 3, 4]) {
    await busy.bench.hasStatus(`job-${n}`, "failed");
  }
  await busy.bench.hasStatus("job-5", "started");
});

Deno.test("--max-jobs is kept to the job with --concurrency", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueueMany(
    Array.from({ length: 20 }, (_, i) => ({
      func: "jobs.note",
      args: [ledger.path, `job-${i}`],
    })),
  );
  await using worker = new WorkerProcess([
    "low",
    "--concurrency",
    "8",
    "--max-jobs",
    "13",
    "--url",
    redis.url,
  ]);
  const { code, stdout } = await worker.ended();
  assertEquals(code, 0);
  assertEquals(ledger.lines().length, 13);
  assertEquals(await bench.queue("low").count(), 7);
  assertStringIncludes(stdout, "finished executing 13 jobs, quitting");
});

Deno.test("jobs that add jobs are all run by a burst with --concurrency, each once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueueMany(
    Array.from({ length: 20 }, () => ({
      func: "jobs.chain",
      args: [ledger.path],
    })),
  );
  const { code } = await burst([
    "low",
    "--concurrency",
    "4",
    "--url",
    redis.url,
  ]);
  assertEquals(code, 0);
  assertEquals(ledger.counts(), new Map([["first", 20], ["second", 20]]));
  assert(await bench.queue("low").isEmpty());
});

Deno.test("jobs of better queues come first with --concurrency too", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  for (const name of ["low", "high"]) {
    await bench.queue(name).enqueueMany(
      Array.from({ length: 10 }, () => ({
        func: "jobs.note",
        args: [ledger.path, name],
      })),
    );
  }
  const { stdout } = await burst([
    "high",
    "low",
    "--concurrency",
    "5",
    "--url",
    redis.url,
  ]);
  const order = stdout.match(/^[\d:]{8} (high|low): jobs\.note/gm) ?? [];
  assertEquals(order.map((line) => line.slice(9).split(":")[0]), [
    ...Array(10).fill("high"),
    ...Array(10).fill("low"),
  ]);
});
