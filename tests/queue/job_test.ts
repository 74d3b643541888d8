import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  InvalidJobOperationError,
  NoSuchJobError,
} from "../../lib/base/errors.ts";
import { Job } from "../../lib/queue/job.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { waitFor } from "../support/wait_for.ts";
import type { JobProgress } from "../../lib/job/record.ts";
import { Desk, zlibOf } from "./support.ts";

Deno.test("a job's life shows in its status, dates, worker and result", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g", 1);
  assertEquals([await job.getStatus(), await job.result()], [
    "queued",
    undefined,
  ]);
  const execution = await desk.bench.claim(desk.worker);
  assertEquals(await job.getStatus(), "started");
  assertEquals(job.startedAt, null); // as of the last time that it was read
  await job.refresh();
  assert(job.startedAt! >= job.enqueuedAt!);
  assertEquals([job.workerName, job.endedAt], ["w1", null]);
  await desk.bench.end(desk.worker, execution, { payload: btoa(`{"x":[1]}`) });
  await job.refresh();
  assert(job.endedAt! >= job.startedAt!);
  assertEquals([await job.getStatus(), await job.result()], ["finished", {
    x: [1],
  }]);
  assertEquals(await job.excInfo(), null);
  assertEquals(job.toDict()["status"], "finished");
});

Deno.test("a function that returned nothing has the result undefined, null is null", async () => {
  await using desk = await Desk.open();
  const first = await desk.queue.enqueue("f.g");
  await desk.finish("", { payload: "" });
  const second = await desk.queue.enqueue("f.g");
  await desk.finish("null");
  assertEquals([await first.result(), await second.result()], [
    undefined,
    null,
  ]);
  assertEquals([await first.wait(), await second.wait()], [undefined, null]);
});

Deno.test("a failed job has no result but the text of its error", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(await job.excInfo(), null);
  await desk.fail("TypeError: bad\n    at f (a.ts:1:1)");
  assertEquals(await job.result(), undefined);
  assertEquals(await job.excInfo(), "TypeError: bad\n    at f (a.ts:1:1)");
});

Deno.test("the failure in the hash itself, as old RQ wrote it, is read", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.bench.send(
    "HSET",
    `rq:job:${job.id}`,
    "exc_info",
    zlibOf("ValueError: old"),
  );
  assertEquals(await job.excInfo(), "ValueError: old");
});

Deno.test("Job.fetch() gives the job, with a connection that it closes itself", async () => {
  await using desk = await Desk.open();
  const { id } = await desk.queue.enqueue("f.g", 5);
  const before = await desk.clients();
  {
    await using job = await Job.fetch(id, {
      connection: desk.bench.server.url,
    });
    assertEquals([job.id, job.args], [id, [5]]);
    assertEquals(await desk.clients(), before + 1);
  }
  await waitFor(async () => await desk.clients() === before);
});

Deno.test("Job.fetch() of what is no job says so and leaves no connection", async () => {
  await using desk = await Desk.open();
  const connection = desk.bench.server.url;
  const before = await desk.clients();
  const error = await assertRejects(
    () => Job.fetch("nobody", { connection }),
    NoSuchJobError,
    `No such job "nobody"`,
  );
  assertEquals(error.jobId, "nobody");
  await assertRejects(() => Job.fetch("a b", { connection }), RangeError);
  await assertRejects(() => Job.fetchMany(["a b"], { connection }), RangeError);
  await assertRejects(() => Job.exists("a b", { connection }), RangeError);
  await desk.bench.send("HSET", "rq:job:nodata", "status", "queued");
  await assertRejects(
    () => Job.fetch("nodata", { connection }),
    NoSuchJobError,
  );
  await waitFor(async () => await desk.clients() === before);
});

Deno.test("Job.fetch() of a key that holds something else says that there is no such job", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await desk.bench.send("SET", "rq:job:x", "text");
  await assertRejects(() => Job.fetch("x", { connection }), NoSuchJobError);
});

Deno.test("Job.exists() and Job.fetch() agree", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const { id } = await desk.queue.enqueue("f.g");
  await desk.bench.send("HSET", "rq:job:nodata", "status", "queued");
  assertEquals(await Job.exists(id, { connection }), true);
  assertEquals(await Job.exists("nobody", { connection }), false);
  assertEquals(await Job.exists("nodata", { connection }), false);
});

Deno.test("Job.fetchMany() gives null for those that do not exist", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const [a, b] = await desk.queue.enqueueMany([{ func: "f.a" }, {
    func: "f.b",
  }]);
  const jobs = await Job.fetchMany([a!.id, "nobody", b!.id], { connection });
  assertEquals(jobs.map((job) => job?.funcName), ["f.a", undefined, "f.b"]);
  assertEquals(await Job.fetchMany(["x"], { connection }), [null]);
});

Deno.test("cancel() withdraws a job; a second time it says that it is canceled already", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await job.cancel();
  assertEquals([await job.getStatus(), await desk.queue.count()], [
    "canceled",
    0,
  ]);
  assertEquals(await desk.bench.members("rq:canceled:q"), [job.id]);
  const error = await assertRejects(
    () => job.cancel(),
    InvalidJobOperationError,
    "it is canceled already",
  );
  assertEquals([error.jobId, error.status], [job.id, "canceled"]);
  await job.delete();
  await assertRejects(() => job.cancel(), NoSuchJobError);
});

Deno.test("a finished job can still be canceled", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.finish();
  await job.cancel();
  assertEquals(await job.getStatus(), "canceled");
  assertEquals(await desk.bench.members("rq:finished:q"), []);
});

Deno.test("cancel() and delete() of a running job tell its worker, in RQ's words", async () => {
  for (const how of ["cancel", "delete"] as const) {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("f.g");
    const execution = await desk.bench.claim(desk.worker);
    const { promise, resolve } = Promise.withResolvers<string>();
    await using _listening = await desk.bench.client.subscribe(
      "rq:pubsub:w1",
      resolve,
    );
    await job[how]();
    assertEquals(JSON.parse(await promise), {
      command: "stop-job",
      job_id: job.id,
    });
    assertEquals(await desk.bench.end(desk.worker, execution), "lost");
  }
});

Deno.test("delete() removes everything of a job, once", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("f.g");
  const job = await desk.queue.enqueueCall({ func: "f.g", dependsOn: parent });
  assertEquals(await job.delete(), true);
  assertEquals(await job.delete(), false);
  assertEquals([await job.getStatus(), await job.excInfo()], [null, null]);
  await assertRejects(() => job.refresh(), NoSuchJobError);
  await desk.fail();
  assertEquals(await parent.delete(), true);
  const left = (await desk.bench.allKeys()).filter((k) => !/worker/.test(k));
  assertEquals(left, ["rq:queues"]);
});

Deno.test("requeue() puts a failed or stopped job back, at the head where that is wanted", async () => {
  await using desk = await Desk.open();
  const [a, b, c] = await desk.queue.enqueueMany(
    ["a", "b", "c"].map((jobId) => ({ func: "f.g", jobId })),
  );
  await desk.fail();
  await desk.bench.run(desk.worker, { outcome: "stopped" });
  await a!.requeue();
  await b!.requeue({ atFront: true });
  assertEquals(await desk.queue.jobIds(), ["b", "c", "a"]);
  assertEquals(await a!.getStatus(), "queued");
  await a!.refresh();
  assertEquals([a!.startedAt, a!.endedAt], [null, null]);
  assertEquals(await desk.bench.members("rq:failed:q"), []);
  assert(c !== undefined);
});

Deno.test("requeue() of a job that has not failed is refused, with its status", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  for (const status of ["queued", "started", "finished", "canceled"]) {
    await desk.bench.send("HSET", `rq:job:${job.id}`, "status", status);
    const error = await assertRejects(
      () => job.requeue(),
      InvalidJobOperationError,
      `it is ${status}, not failed`,
    );
    assertEquals(error.status, status);
  }
  await job.delete();
  await assertRejects(() => job.requeue(), NoSuchJobError);
});

Deno.test("save() and saveMeta() store what was set", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  job.setDescription("words");
  job.setTimeout("1h");
  job.setResultTtl(-1);
  job.meta["a"] = 1;
  await job.save();
  await job.refresh();
  assertEquals([job.description, job.timeout, job.resultTtl, job.meta], [
    "words",
    3_600,
    -1,
    { a: 1 },
  ]);
  job.meta = { b: NaN };
  await assertRejects(() => job.saveMeta(), TypeError, "Cannot store meta.b");
  job.meta = { b: 2 };
  await job.saveMeta();
  const other = await desk.queue.fetchJob(job.id);
  assertEquals(other?.meta, { b: 2 });
  assertThrows(() => job.setTimeout(0), RangeError);
  assertThrows(() => job.setResultTtl(-2), RangeError);
  await job.delete();
  await assertRejects(() => job.saveMeta(), NoSuchJobError);
  await assertRejects(() => job.save(), NoSuchJobError);
});

Deno.test("saving a job that is deleted in this moment does not bring half of it back", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  for (let i = 0; i < 100; i++) {
    const { id } = await desk.queue.enqueue("f.g");
    const one = (await desk.queue.fetchJob(id))!;
    one.meta = { i };
    await Promise.allSettled([
      one.saveMeta(),
      desk.bench.jobs.delete(id),
    ]);
    const type = await desk.bench.send("EXISTS", `rq:job:${id}`);
    assertEquals(type, 0, "a hash without data, time to live or queue");
  }
  await job.delete();
});

Deno.test("a hash that another program spoiled spoils this job alone", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.bench.send(
    "HSET",
    `rq:job:${job.id}`,
    "status",
    "waiting",
    "meta",
    "{",
    "created_at",
    "yesterday",
    "result_ttl",
    "1.5",
  );
  await job.refresh();
  assertEquals(
    [await job.getStatus(), job.meta, job.createdAt, job.resultTtl],
    [
      null,
      { unserialized: "{" },
      null,
      null,
    ],
  );
});

const PREFIXES = ["{rq}:", "app:"];

Deno.test.each(PREFIXES.map((p) => [p]))(
  "with the prefix %s every key is under it",
  async (prefix) => {
    await using desk = await Desk.open({ prefix });
    const { queue, bench, worker } = desk;
    const parent = await queue.enqueue("f.g");
    await queue.enqueueCall({ func: "f.g", dependsOn: parent, ttl: 60 });
    await queue.enqueueMany([{ func: "f.g" }, { func: "f.g" }]);
    const execution = await bench.claim(worker);
    await bench.workers.heartbeat(worker, 480, [execution]);
    await bench.end(worker, execution);
    await desk.fail();
    await bench.claim(worker);
    await bench.sweep();
    await bench.sweeps.promoteScheduled("q");
    await (await queue.enqueue("f.g")).cancel();
    const keys = await bench.allKeys();
    assert(keys.length >= 12, `${keys}`);
    assertEquals(keys.filter((key) => !key.startsWith(prefix)), []);
    await using plain = new Queue("q", { connection: queue.connection });
    assertEquals(await plain.count(), 0);
  },
);

Deno.test.each<[string, string | undefined, JobProgress | undefined]>([
  ["0.25", "reading", { value: 0.25, note: "reading" }],
  ["0", undefined, { value: 0 }],
  ["1", "", { value: 1 }],
  ["2", undefined, undefined],
  ["much", "words", undefined],
  ["", undefined, undefined],
])("progress() of %j with the note %j is %j", async (value, note, progress) => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(job.progress(), undefined);
  const fields = ["x_progress", value, "x_progress_note", note ?? ""];
  await desk.bench.send("HSET", `rq:job:${job.id}`, ...fields);
  await job.refresh();
  assertEquals(job.progress(), progress);
  const dict = job.toDict();
  assertEquals([dict["progress"], dict["progress_note"]], [
    progress?.value,
    progress?.note,
  ]);
});
