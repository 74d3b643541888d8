/** Steps: what is done once, sleeps, and signals. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidJobOperationError, NoSuchJobError } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

Deno.test("a step is done once, and a later attempt gets what it has returned", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "steps.failsBetween",
    args: [ledger.path],
    retry: 1,
  });
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.wait({ timeout: 1 }), [
    { at: "1970-01-01T00:00:00.000Z" },
    "nothing",
    2,
  ]);
  assertEquals(ledger.lines(), [
    "run 1",
    "first",
    "nothing",
    "run 2",
    "second",
  ]);
});

Deno.test.each([["process"], ["reuse"], ["shared"]])(
  "isolation %s: a job that sleeps leaves its worker to others, and goes on in the same attempt",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const queue = bench.queue("low");
    const job = await queue.enqueueCall({
      func: "steps.sleeps",
      args: [ledger.path, 3],
      retry: 1,
    });
    await using worker = await WorkerProcess.listening([
      "low",
      ...["--url", redis.url, "--isolation", isolation],
    ]);
    await bench.hasStatus(job.id, "scheduled");
    assertEquals(ledger.lines(), ["run 1", "before"]);
    await job.refresh();
    assertEquals([job.startedAt, job.workerName], [null, null]);
    const other = await queue.enqueue("jobs.hello", "you");
    await other.wait({ timeout: 60 });
    assertEquals(await job.wait({ timeout: 60 }), 1);
    assertEquals(ledger.lines(), [
      ...["run 1", "before"],
      ...["run 1", "after", "finally"],
    ]);
    assertEquals(await bench.field(`rq:job:${job.id}`, "retries_left"), "1");
    await worker.waitForOutput(/low: Job sleeps until \d{4}-.*Z \(/);
    await waitForEqual(() => bench.client.send("KEYS", ["rq:wip*"]), []);
  },
);

Deno.test("a job waits for a signal, which may come before or during the wait", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  const early = await queue.enqueue("steps.waits", ledger.path);
  const late = await queue.enqueue("steps.waits", ledger.path);
  assertEquals(await early.signal("approval", { by: "me" }), true);
  await using worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  assertEquals(await early.wait({ timeout: 60 }), { by: "me" });
  await worker.waitForOutput(/Job sleeps until the signal "approval" \(/);
  await bench.hasStatus(late.id, "scheduled");
  assertEquals(ledger.lines(), ["run", "run"]);
  assertEquals(late.signals, []);
  await late.refresh();
  assertEquals(late.signals, ["approval"]);
  assertEquals(await late.signal("other"), true);
  assertEquals(await late.getStatus(), "scheduled");
  assertEquals(await late.signal("approval", "yes"), true);
  assertEquals(await late.wait({ timeout: 60 }), "yes");
  assertEquals(await late.signal("approval", "no"), false);
  const refused = await assertRejects(
    () => late.signal("one more"),
    InvalidJobOperationError,
  );
  assertEquals(refused.status, "finished");
  await late.delete();
  await assertRejects(() => late.signal("approval"), NoSuchJobError);
});

Deno.test("the first signal counts, and none once the job has waited in vain", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  const twice = await queue.enqueue("steps.waits", ledger.path);
  assertEquals(await twice.signal("approval", 1), true);
  assertEquals(await twice.signal("approval", 2), false);
  const vain = await queue.enqueue("steps.waits", ledger.path, 0.1);
  await using _worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  assertEquals(await twice.wait({ timeout: 60 }), 1);
  assertEquals(
    await vain.wait({ timeout: 60 }),
    `TimeoutError: The signal "approval" has not come in time`,
  );
});

Deno.test("steps beside a sleep are done before the job sleeps, and waits last as long as each has to", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueue("steps.atOnce", ledger.path);
  await using _worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  const work = ["work 1", "work 2", "work 3"];
  await waitFor(() => ledger.lines().length >= 4);
  assertEquals(ledger.lines().slice(0, 4), ["run", ...work]);
  // it wakes for the end of the sleep, and then only waits for the signal
  await waitForEqual(
    () => bench.field(`rq:job:${job.id}`, "x_sleep:=short"),
    "over",
  );
  await bench.hasStatus(job.id, "scheduled");
  await job.signal("go", "went");
  assertEquals(await job.wait({ timeout: 60 }), ["worked", "slept", "went"]);
  const runs = ledger.lines().filter((line) => line === "run").length;
  assert(runs >= 3, `${runs} runs`);
  assertEquals(ledger.lines().filter((line) => line !== "run"), work);
});

Deno.test("a step is refused that could not be told from another one, or not be kept", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("steps.misuses");
  await burst(["low", "--url", redis.url]);
  assertEquals(await job.wait({ timeout: 1 }), [
    "done",
    `Error: Cannot use step "a" twice in one run: in a loop, make a part of the name what the turn is about`,
    "Error: x",
    "done",
    `Error: Cannot sleep in step "c": do it between steps`,
    `TypeError: Cannot store what step "d" returns: Map is not JSON, store Object.fromEntries(map) or [...map]`,
    `RangeError: Cannot use step "": expected Unicode text of 1 to 200 characters`,
    `RangeError: Cannot keep step "e" of job "${job.id}": its steps and signals together would take more than 512 KB`,
    `RangeError: Cannot read duration "soon": expected seconds from 0, text such as "90s", "5m" or "1h30m"`,
    `TypeError: Cannot wait: there is no option "timeOut", there is timeout`,
  ]);
});
