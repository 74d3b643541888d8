/** `job.results()` and `job.latestResult()`: how each attempt ended. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { dependency } from "../../lib/job/dependency.ts";
import type { Result } from "../../lib/queue/result.ts";
import { factsOf } from "../../lib/worker/ends.ts";
import { Desk } from "./support.ts";

/** What a test compares of a result. */
function shown({ type, attempt, returnValue, excString, workerName }: Result) {
  return [type, attempt, returnValue, excString, workerName];
}

Deno.test("a job that has not ended has no results", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(await job.results(), []);
  assertEquals(await job.latestResult(), null);
  assertEquals(await job.resultCount(), 0);
});

Deno.test("the result of a plain success has its value, and says who ran it and when", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.finish(`{"n":1}`);
  const result = await job.latestResult();
  assert(result !== null);
  assertEquals(shown(result), ["successful", 1, { n: 1 }, null, "w1"]);
  assertEquals(result.jobId, job.id);
  assertEquals(
    result.executionId,
    await desk.bench.field(job.id, "x_execution"),
  );
  await job.refresh();
  assertEquals(result.executionStartedAt, job.startedAt);
  assertEquals(result.executionEndedAt, job.endedAt);
  const late = result.createdAt.getTime() - job.endedAt!.getTime();
  assert(Math.abs(late) < 1_000, `${late} ms`);
});

Deno.test("results() has every attempt, the latest first", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", retry: 2 });
  await desk.fail("Error: one");
  await desk.fail("Error: two");
  await desk.finish(`"third"`, { workedMs: 2_000 });
  const results = await job.results();
  assertEquals(results.map(shown), [
    ["successful", 3, "third", null, "w1"],
    ["retried", 2, undefined, "Error: two", "w1"],
    ["retried", 1, undefined, "Error: one", "w1"],
  ]);
  assertEquals(results.map(({ id }) => id), [
    (await job.latestResult())!.id,
    ...results.slice(1).map(({ id }) => id),
  ]);
  const [{ executionStartedAt, executionEndedAt }] = results as [Result];
  assertEquals(Number(executionEndedAt) - Number(executionStartedAt), 2_000);
  assertEquals(new Set(results.map(({ executionId }) => executionId)).size, 3);
});

Deno.test("a result tells of the process of its attempt, also that of a success if it was measured", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", retry: 2 });
  const exited = factsOf({ exitCode: 7 });
  const killed = factsOf({ signal: "SIGKILL", peakMemory: 5_000 });
  const measured = factsOf({ peakMemory: 6_000, cpuSeconds: 0.25 });
  await desk.fail("E: exit", { facts: exited! });
  await desk.fail("E: kill", { facts: killed! });
  await desk.finish("1", { facts: measured! });
  const alone = await desk.queue.enqueue("f.g");
  await desk.finish("2", { facts: measured! });
  const facts = (result: Result) => [
    result.exitCode,
    result.signal,
    result.peakMemory,
    result.cpuTime,
  ];
  assertEquals((await job.results()).map(facts), [
    [null, null, 6_000, 0.25],
    [null, "SIGKILL", 5_000, null],
    [7, null, null, null],
  ]);
  const [result] = await alone.results();
  assertEquals(facts(result!), [null, null, 6_000, 0.25]);
  assertEquals(shown(result!), ["successful", 1, 2, null, "w1"]);
});

Deno.test("a failure is failed, a stop is stopped, and a retry too many says so", async () => {
  await using desk = await Desk.open();
  const [failed, stopped, tired] = [
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
  ];
  await desk.fail("Error: no");
  await desk.fail("Job stopped", { outcome: "stopped" });
  const retry = { type: "again", max: 0 } as const;
  await desk.fail("Error: again", { retry });
  const types = [failed, stopped, tired].map(async (job) =>
    shown((await job.latestResult())!).slice(0, 4)
  );
  assertEquals(await Promise.all(types), [
    ["failed", 1, undefined, "Error: no"],
    ["stopped", 1, undefined, "Job stopped"],
    ["max_retries_exceeded", 1, undefined, "Error: again"],
  ]);
});

Deno.test("a repeated job's results each tell of their own run", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({
    func: "f.g",
    repeat: { times: 1, interval: 0 },
  });
  await desk.finish("1");
  const first = await job.latestResult();
  await desk.finish("2");
  const results = await job.results();
  assertEquals(results.map(({ returnValue }) => returnValue), [2, 1]);
  assertEquals(results[1]!.executionId, first!.executionId);
  assert(results[0]!.executionId !== results[1]!.executionId);
  assertEquals(results.map(({ workerName }) => workerName), ["w1", "w1"]);
});

Deno.test("a job that has failed because of a parent has a result, and nobody who ran it", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("f.g");
  const child = await desk.queue.enqueueCall({
    func: "f.g",
    dependsOn: dependency(parent, { ifParentFails: "fail" }),
  });
  await desk.fail();
  const result = await child.latestResult();
  assertEquals([result?.type, result?.attempt, result?.workerName], [
    "failed",
    null,
    null,
  ]);
});

Deno.test("all results are read, however many there are, and deleted on demand", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const key = desk.bench.keys.results(job.id);
  for (let i = 1; i <= 35; i++) {
    await desk.bench.send("XADD", key, `${i}-0`, "type", 4);
  }
  const results = await job.results();
  assertEquals(
    results.map(({ id }) => parseInt(id)),
    Array.from({ length: 35 }, (_, i) => 35 - i),
  );
  assertEquals(await job.resultCount(), 35);
  await job.deleteResults();
  assertEquals(await job.results(), []);
  assertEquals(await job.getStatus(), "queued");
});

Deno.test("what cannot be read of a result harms that value alone", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const key = desk.bench.keys.results(job.id);
  await desk.bench.send("XADD", key, "1-0", "type", 99);
  await desk.bench.send("XADD", key, "2-0", "oops", 1);
  await desk.bench.send("XADD", key, "3-0", "type", 1, "return_value", "gAV=");
  const fields = ["x_attempt", "-1", "execution_started_at", "soon"];
  await desk.bench.send("XADD", key, "4-0", "type", 2, ...fields);
  const results = await job.results();
  assertEquals(results.map(({ type }) => type), ["failed", "successful"]);
  assertEquals(results[0]!.attempt, null);
  assertEquals(results[0]!.executionStartedAt, null);
  assertThrows(() => results[1]!.returnValue, SyntaxError);
  await desk.bench.send("SET", key, "text");
  assertEquals(await job.results(), []);
  assertEquals(await job.resultCount(), 0);
});

Deno.test("reading results changes nothing", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", retry: 1 });
  await desk.fail();
  const before = await desk.bench.dump();
  await job.results();
  await job.latestResult();
  await job.resultCount();
  assertEquals(await desk.bench.dump(), before);
});
