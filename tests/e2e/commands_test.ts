import { assertEquals, assertStringIncludes } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { isAlive } from "../support/proc.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger, WorkerProcess } from "./support.ts";

/** A worker `w1` that is running a job, on its own Redis. */
async function busyWorker() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const pids = stack.use(new Ledger());
  const gate = `${pids.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  const job = await bench.queue("low").enqueue("jobs.waits", pids.path, gate);
  const worker = stack.use(
    await WorkerProcess.listening([
      "low",
      "--url",
      redis.url,
      "--name",
      "w1",
      "--job-monitoring-interval",
      "1",
      "--verbose", // which says what it ignores
    ]),
  );
  await waitFor(() => pids.lines().length === 1);
  return {
    bench,
    job,
    worker,
    childPid: Number(pids.lines()[0]),
    open: () => Deno.writeTextFile(gate, ""),
    publish: (message: unknown) =>
      bench.client.send("PUBLISH", [
        "rq:pubsub:w1",
        typeof message === "string" ? message : JSON.stringify(message),
      ]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Checks that the worker has survived. */
async function assertWorks(bench: Bench): Promise<void> {
  const job = await bench.queue("low").enqueue("jobs.add", 20, 22);
  assertEquals(await job.wait({ timeout: 10 }), 42);
}

Deno.test("shutdown ends the worker after its job", async () => {
  await using busy = await busyWorker();
  await busy.publish({ command: "shutdown" });
  await busy.worker.waitForOutput(/Warm shut down requested/);
  await busy.open();
  assertEquals((await busy.worker.ended()).code, 0);
  assertEquals(await busy.job.wait({ timeout: 1 }), "went on");
});

Deno.test("kill-horse fails the job with RQ's words, and the worker goes on", async () => {
  await using busy = await busyWorker();
  await busy.publish({ command: "kill-horse" });
  await busy.bench.hasStatus(busy.job.id, "failed");
  assertEquals(isAlive(busy.childPid), false);
  assertStringIncludes(
    await busy.job.excInfo() ?? "",
    "Work-horse terminated unexpectedly",
  );
  assertEquals(
    await busy.bench.client.send("ZRANGE", ["rq:failed:low", 0, -1]),
    [busy.job.id],
  );
  await assertWorks(busy.bench);
});

Deno.test("stop-job stops the job of that id alone", async () => {
  await using busy = await busyWorker();
  await busy.publish({ command: "stop-job", job_id: "another" });
  await busy.worker.waitForOutput(/Not working on job another/);
  assertEquals(await busy.job.getStatus(), "started");
  await busy.publish({ command: "stop-job", job_id: busy.job.id });
  await busy.bench.hasStatus(busy.job.id, "stopped");
  assertEquals(isAlive(busy.childPid), false);
  assertStringIncludes(await busy.job.excInfo() ?? "", "stopped by user");
  assertEquals(
    await busy.bench.client.send("ZRANGE", ["rq:failed:low", 0, -1]),
    [busy.job.id],
  );
  assertEquals(await busy.bench.client.send("ZCARD", ["rq:wip:low"]), 0);
  await busy.worker.waitForOutput(/low: Job stopped by user/);
  await assertWorks(busy.bench);
});

Deno.test("stop-execution stops that run alone", async () => {
  await using busy = await busyWorker();
  const { bench, job } = busy;
  const executionsKey = `rq:executions:${job.id}`;
  await waitFor(async () =>
    Number(await bench.client.send("ZCARD", [executionsKey])) === 1
  );
  const [executionId] = await bench.client.send("ZRANGE", [
    executionsKey,
    0,
    -1,
  ]) as string[];
  const command = "stop-execution";
  const job_id = job.id;
  await busy.publish({ command, job_id, execution_id: "0".repeat(32) });
  await busy.publish({ command, job_id: "other", execution_id: executionId });
  await busy.worker.waitForOutput(
    /Not working on job (.*), command ignored[^]*Not working on job other,/,
  );
  assertEquals(await job.getStatus(), "started");
  await busy.publish({ command, job_id, execution_id: executionId });
  await bench.hasStatus(job.id, "stopped");
  assertEquals(isAlive(busy.childPid), false);
});

Deno.test("what is no command is ignored", async () => {
  await using busy = await busyWorker();
  const messages = [
    "",
    "no JSON",
    "null",
    "[]",
    '"shutdown"',
    "{}",
    '{"command": null}',
    '{"command": "reboot"}',
    '{"command": "stop-job"}',
    '{"command": "stop-job", "job_id": null}',
    '{"command": "stop-execution", "job_id": "x"}',
    '{"command": "probe"}',
    "x".repeat(1_000_000),
  ];
  for (const message of messages) await busy.publish(message);
  await busy.open();
  assertEquals(await busy.job.wait({ timeout: 10 }), "went on");
  await assertWorks(busy.bench);
});

Deno.test("a stopped job can be queued again and runs to its end", async () => {
  await using busy = await busyWorker();
  await busy.publish({ command: "stop-job", job_id: busy.job.id });
  await busy.bench.hasStatus(busy.job.id, "stopped");
  await busy.open();
  await busy.job.requeue();
  assertEquals(await busy.job.wait({ timeout: 10 }), "went on");
});

Deno.test("cancel() of a running job kills it, and it stays canceled", async () => {
  await using busy = await busyWorker();
  await busy.job.cancel();
  await waitFor(() => !isAlive(busy.childPid), {
    timeout: 5_000,
  });
  await busy.worker.waitForOutput(/Lease lost|stopped|canceled/);
  // Once the next job has been run, all that the first one's end writes is there.
  await assertWorks(busy.bench);
  assertEquals(await busy.job.getStatus(), "canceled");
  const { client } = busy.bench;
  assertEquals(await client.send("ZCARD", ["rq:failed:low"]), 0);
  assertEquals(await client.send("ZCARD", ["rq:wip:low"]), 0);
});

Deno.test("delete() of a running job kills it, and nothing of it is stored again", async () => {
  await using busy = await busyWorker();
  const { bench, job } = busy;
  await job.delete();
  await waitFor(() => !isAlive(busy.childPid), {
    timeout: 5_000,
  });
  await assertWorks(bench);
  assertEquals(await job.getStatus(), null);
  assertEquals(await bench.client.send("KEYS", [`*${job.id}*`]), []);
  for (const registry of ["wip", "failed", "finished"]) {
    const members = await bench.client.send("ZRANGE", [
      `rq:${registry}:low`,
      0,
      -1,
    ]) as string[];
    assertEquals(members.filter((member) => member.startsWith(job.id)), []);
  }
});

Deno.test("a job whose hash is deleted by hand is killed at the next heartbeat", async () => {
  await using busy = await busyWorker();
  await busy.bench.client.send("DEL", [`rq:job:${busy.job.id}`]);
  await waitFor(() => !isAlive(busy.childPid), {
    timeout: 5_000,
  });
  await assertWorks(busy.bench);
  assertEquals(await busy.bench.client.send("ZCARD", ["rq:wip:low"]), 0);
});
