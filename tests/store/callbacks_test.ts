/** What is called when a job ends is a job of its own, made in the step that ends the job. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import type { JobRecord } from "../../lib/job/record.ts";
import { endedRecord } from "../../lib/store/ended_job.ts";
import { CALLBACKS } from "./callback_scenes.ts";
import { Bench, type Ending } from "./support.ts";

/** The job that is first on the queue. */
async function first(bench: Bench): Promise<JobRecord> {
  const [id] = await bench.queued();
  const job = await bench.jobs.fetch(id!);
  assert(job !== null, `${id} has no hash`);
  return job;
}

/** What a callback's hash says, besides dates and what it is told. */
function callOf(job: JobRecord): unknown {
  const { funcName, args } = job.call;
  const { timeout, description } = job;
  return [funcName, args, timeout, description, job.text("x_callback")];
}

Deno.test("a callback is at the head of the job's queue once the job has ended, in whatever way it has", async () => {
  const ends: [Ending["outcome"], unknown][] = [
    ["finished", [
      "jobs.done",
      [],
      60,
      "jobs.done, on success of a",
      "success jobs.done",
    ]],
    ["failed", [
      "jobs.failed",
      [],
      5,
      "jobs.failed, on failure of a",
      "failure jobs.failed",
    ]],
    ["stopped", [
      "jobs.stopped",
      [],
      60,
      "jobs.stopped, on stopped of a",
      "stopped jobs.stopped",
    ]],
  ];
  for (const [outcome, expected] of ends) {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: CALLBACKS });
    await bench.add("b");
    const execution = await bench.claim(worker);
    await bench.end(worker, execution, { outcome });
    const callback = await first(bench);
    assertEquals(callOf(callback), expected);
    const kind = callback.text("x_callback")!.split(" ")[0];
    assertEquals(await bench.queued(), [`a-on-${kind}-${execution.id}`, "b"]);
    const { job } = endedRecord(callback);
    assertEquals([job.id, job.text("status")], ["a", outcome]);
    assertEquals(await bench.status("a"), outcome);
  }
});

Deno.test("a callback is told of the job as it was: its call, its result, and when it ran", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { ...CALLBACKS, meta: `{"n":1}` } });
  await bench.run(worker, { ttl: 0, payload: encodeResult("[1]") });
  assertEquals(await bench.status("a"), null);
  const { job, outcome } = endedRecord(await first(bench));
  assertEquals([job.call.funcName, job.call.args], ["jobs.f", [1]]);
  assertEquals(outcome, encodeResult("[1]"));
  assertEquals([job.meta, job.text("worker_name")], [{ n: 1 }, "w1"]);
  for (const field of ["enqueued_at", "started_at", "ended_at"] as const) {
    assertMatch(job.text(field) ?? "", /^\d{4}-.+Z$/, field);
  }
});

Deno.test("a callback of a failure is told its text, and there is none before the last attempt has failed", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { ...CALLBACKS, retries_left: 1 } });
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.queued(), ["a"]);
  const payload = encodeFailure("Error: late");
  await bench.run(worker, { outcome: "failed", payload });
  const callback = await first(bench);
  assertEquals(endedRecord(callback).outcome, payload);
});

Deno.test("a job that is repeated has a callback for each of its successes", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { ...CALLBACKS, repeats_left: 1 } });
  await bench.run(worker);
  assertEquals((await bench.queued()).length, 2);
  const ran = [await bench.run(worker), await bench.run(worker)];
  assertEquals(ran[1], "a");
  const ids = [ran[0], (await bench.queued())[0]];
  assertEquals(new Set(ids).size, 2);
  for (const id of ids) assertMatch(id ?? "", /^a-on-success-/);
});

Deno.test("a job that lost its worker too often has its callback", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: CALLBACKS });
  let last = "";
  for (let loss = 0; loss < 4; loss++) {
    const execution = await bench.claim(worker);
    last = execution.id;
    await bench.expire(execution);
    await bench.sweep();
  }
  assertEquals(await bench.status("a"), "failed");
  assertEquals(await bench.queued(), [`a-on-failure-${last}`]);
});

Deno.test("a job that is canceled or deleted has no callback, nor has one that has none, or a callback itself", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id, { fields: CALLBACKS });
  await bench.add("c", { fields: { success_callback_name: "" } });
  const execution = await bench.claim(worker);
  await bench.jobs.cancel("a");
  await bench.end(worker, execution, { outcome: "failed" });
  await bench.jobs.delete("b");
  await bench.run(worker);
  assertEquals(await bench.queued(), []);
  await bench.add("d", { fields: CALLBACKS });
  await bench.run(worker);
  await bench.run(worker);
  assertEquals(await bench.queued(), []);
});

Deno.test("a callback has the isolation that its job asks for, and a time limit if what is stored is none", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { ...CALLBACKS, success_callback_timeout: "soon" };
  await bench.add("a", { fields: { ...fields, x_isolation: "process" } });
  await bench.run(worker);
  const callback = await first(bench);
  assertEquals([callback.timeout, callback.text("x_isolation")], [
    60,
    "process",
  ]);
});

Deno.test("while a worker of RQ's listens, a dotted callback is something that it can run, too", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.send("HSET", "rq:worker:py", "birth", "2026-01-01T00:00:00Z");
  await bench.send("SADD", "rq:workers:q", "rq:worker:py", "rq:worker:dead");
  await bench.add("a", { fields: CALLBACKS });
  await bench.run(worker);
  const callback = await first(bench);
  assertEquals(callback.call.funcName, "builtins.exec");
  assertEquals(callback.call.args[1], {
    job_id: "a",
    kind: "success",
    callback: "jobs.done",
  });
  const intervals: number[] = JSON.parse(callback.text("retry_intervals")!);
  assertEquals(callback.integer("retries_left"), intervals.length);
  await bench.run(worker);
  const fields = { success_callback_name: "jobs/done.ts#default" };
  await bench.add("b", { fields });
  await bench.run(worker);
  const own = await first(bench);
  assertEquals(own.call.funcName, "jobs/done.ts#default");
  assertEquals(own.text("retries_left"), undefined);
});
