/** Callbacks, run by whole workers. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { callback } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import * as jobs from "./jobs/callbacks.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** Waits until so many callbacks have told something; gives what, sorted. */
async function told(ledger: Ledger, count: number): Promise<unknown[]> {
  await waitFor(() => ledger.lines().length >= count, {
    message: () => `${count} callbacks, there are ${ledger.lines()}`,
  });
  return ledger.lines().toSorted().map((line) => JSON.parse(line));
}

/** The ids in a registry of the queue. */
function registry({ client }: Bench, name: string): Promise<unknown> {
  return client.send("ZRANGE", [`rq:${name}:low`, 0, -1]);
}

const ALL = {
  onSuccess: jobs.tells,
  onFailure: jobs.tells,
  onStopped: jobs.tells,
};

Deno.test.each(["process", "reuse", "shared"])(
  "with isolation %s, a job's callback runs after it, whether it succeeds, fails, crashes or exceeds its time",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const low = bench.queue("low");
    const { path } = ledger;
    await low.enqueueCall({
      func: jobs.doubles,
      args: [path, 2],
      jobId: "1",
      ...ALL,
    });
    await low.enqueueMany([
      { func: jobs.breaks, args: [path], jobId: "2", ...ALL },
      { func: jobs.crashes, args: [path], jobId: "3", ...ALL },
      {
        func: jobs.lasts,
        args: [path, "/dev/null"],
        timeout: 1,
        jobId: "4",
        ...ALL,
      },
    ]);
    await using _worker = await WorkerProcess.listening([
      "low",
      "--url",
      redis.url,
      "--isolation",
      isolation,
    ]);
    const ends = await told(ledger, 4) as string[][];
    assertEquals(ends.map((end) => end.slice(0, 3)), [
      ["1", "callbacks.doubles", "finished"],
      ["2", "callbacks.breaks", "failed"],
      ["3", "callbacks.crashes", "failed"],
      ["4", "callbacks.lasts", "failed"],
    ]);
    const [value, broken, crashed, late] = ends.map((end) => end[3]!);
    assertEquals([value, broken], [4, "RangeError: broken"]);
    assertStringIncludes(crashed!, "terminated unexpectedly");
    assertStringIncludes(late!, "JobTimeoutException");
  },
);

Deno.test("a job that somebody stops or kills has its callback, one that is canceled has none", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  using begun = new Ledger();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--name",
    "w1",
  ]);
  const low = bench.queue("low");
  const ends = ["stop-job", "kill-horse", "cancel"];
  for (const [i, command] of ends.entries()) {
    const job = await low.enqueueCall({
      func: jobs.lasts,
      args: [ledger.path, begun.path],
      jobId: command,
      ...ALL,
    });
    await waitFor(() => begun.lines().length === i + 1);
    if (command === "cancel") await job.cancel();
    else {
      const message = JSON.stringify({ command, job_id: job.id });
      await bench.client.send("PUBLISH", ["rq:pubsub:w1", message]);
      await told(ledger, i + 1);
    }
  }
  await worker.waitForOutput(/Lease lost|canceled/);
  const after = await low.enqueue("jobs.add", 1, 2);
  assertEquals(await after.wait({ timeout: 60 }), 3);
  assertEquals(await told(ledger, 2), [
    [
      "kill-horse",
      "callbacks.lasts",
      "failed",
      "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ",
    ],
    [
      "stop-job",
      "callbacks.lasts",
      "stopped",
      "Job stopped by user, work-horse terminated.",
    ],
  ]);
});

Deno.test("a callback that fails is shown, and changes nothing for its job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: jobs.doubles,
    args: [ledger.path, 2],
    onSuccess: jobs.tellsBadly,
  });
  const { code, stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(await job.result(), 4);
  assertEquals(await job.getStatus(), "finished");
  const [id] = await registry(bench, "failed") as string[];
  assertMatch(id ?? "", new RegExp(`^${job.id}-on-success-`));
  assertStringIncludes(
    stderr,
    `low: Callback failed: callbacks.tellsBadly, on success of ${job.id} (${id})`,
  );
  assertStringIncludes(stderr, "TypeError: not told");
});

Deno.test("a callback that exceeds its own time is killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: jobs.doubles,
    args: [ledger.path, 2],
    onSuccess: callback(jobs.tellsLate, { timeout: 1 }),
  });
  const { stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(await job.getStatus(), "finished");
  assertEquals(ledger.lines(), ["began"]);
  assertStringIncludes(stderr, "maximum timeout value (1 seconds)");
});

Deno.test("a callback runs once more if its worker is killed in the middle of it, and once if the worker leaves before", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const args = ["low", "--url", redis.url];
  const job = await low.enqueueCall({
    func: jobs.doubles,
    args: [ledger.path, 2],
    onSuccess: jobs.tellsLate,
  });
  // leaves after the job: the callback is on the queue, and nobody is there
  const { code } = await burst([...args, "--max-jobs", "1"]);
  assertEquals(code, 0);
  assertEquals(await bench.client.send("DEL", [`rq:job:${job.id}`]), 1);
  const doomed = await WorkerProcess.listening(args);
  await waitForEqual(() => ledger.lines(), ["began"]);
  doomed.kill("SIGKILL");
  await doomed.ended();
  await Deno.writeTextFile(`${ledger.path}.gate`, "");
  await using _next = await WorkerProcess.listening(args);
  const line = JSON.stringify([job.id, "callbacks.doubles", "finished", 4]);
  await waitForEqual(() => ledger.lines(), ["began", "began", line]);
  await Deno.remove(`${ledger.path}.gate`);
});

Deno.test("a running job enqueues one with callbacks, of its own module too, and a callback enqueues more", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: jobs.enqueues,
    args: [ledger.path],
    onSuccess: jobs.goesOn,
  });
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  const child = await job.result() as string;
  assertEquals(
    await bench.field(`rq:job:${child}`, "success_callback_timeout"),
    "7",
  );
  assertEquals(
    ledger.lines().toSorted(),
    [
      JSON.stringify([child, "callbacks.doubles", "finished", 8]),
      `after ${job.id}`,
    ].toSorted(),
  );
});

Deno.test("a callback runs with the permissions of jobs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: jobs.doubles,
    args: [ledger.path, 2],
    onSuccess: jobs.tells,
  });
  const { stderr } = await burst([
    "low",
    "--url",
    redis.url,
    "--job-allow-read",
  ]);
  assertEquals(await job.getStatus(), "finished");
  assertStringIncludes(stderr, "NotCapable: Requires write access");
  assertEquals(ledger.lines(), []);
});

Deno.test("a callback that is not known is said once, and does not stay", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const call = {
    func: "jobs.add",
    args: [1, 2],
    onSuccess: "app.report",
    onFailure: "jobs.nope",
  };
  const low = bench.queue("low");
  const done = await low.enqueueMany([
    call,
    call,
    { ...call, func: "jobs.fails" },
  ]);
  const { code, stdout, stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  const statuses = await Promise.all(done.map((job) => job.getStatus()));
  assertEquals(statuses, ["finished", "finished", "failed"]);
  for (const name of ["app.report", "jobs.nope"]) {
    const line = `low: Callback ${name} is not called, no Python worker`;
    assertEquals(stdout.split(line).length, 2, stdout);
  }
  assertEquals(stderr.match(/Job failed|Callback failed/g)?.length, 1, stderr);
  const failed = await registry(bench, "failed") as string[];
  const callbacks = failed.filter((id) => id.includes("-on-"));
  assertEquals(callbacks.length, 3);
  for (const id of callbacks) {
    const ttl = await bench.client.send("TTL", [`rq:job:${id}`]);
    assertEquals(Number(ttl) > 400 && Number(ttl) <= 500, true, `${ttl}`);
  }
});
