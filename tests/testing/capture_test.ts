/** Capturing what is enqueued. There is no Redis: what would ask one fails. */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  deleteJob,
  dependency,
  DuplicateJobError,
  Group,
  NoSuchJobError,
} from "@deno-rq/rq";
import { capture, Job, JobFailedError, Queue } from "@deno-rq/rq/testing";
import {
  calls,
  invite,
  join,
  Mailer,
  MailError,
  parents,
  refuse,
  send,
  sendAll,
  told,
} from "./jobs/mail.ts";

/** Nobody listens there. */
const NOWHERE = "redis://127.0.0.1:1";

Deno.test("what is enqueued stays away from Redis, and can be asserted", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const job = await queue.enqueue(send, "a@b.c");
  await queue.enqueueCall({ func: send, args: ["d@e.f"], atFront: true });
  assertEquals(captured.assertEnqueued(send, ["a@b.c"]).id, job.id);
  captured.assertEnqueued("tests.testing.jobs.mail.send", ["d@e.f"]);
  captured.assertEnqueued(send, undefined, { times: 2, queue: "low" });
  captured.assertNotEnqueued(send, ["g@h.i"]);
  captured.assertNotEnqueued(refuse);
  assertEquals(captured.jobs.map(({ args }) => args[0]), ["a@b.c", "d@e.f"]);
  assertEquals(await job.getStatus(), "queued");
  const listed = await Array.fromAsync(queue.jobs());
  assertEquals(listed.map(({ args }) => args[0]), ["d@e.f", "a@b.c"]);
  assertEquals([await queue.count(), job.description], [
    2,
    "tests.testing.jobs.mail.send('a@b.c')",
  ]);
});

Deno.test("an assertion that does not hold lists what there is", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const nothing = () => captured.assertEnqueued(send, ["a@b.c"]);
  assertThrows(nothing, Error, "send('a@b.c') is enqueued; there is nothing");
  await queue.enqueue(send, "a@b.c");
  const error = assertThrows(
    () => captured.assertEnqueued(send, ["x"], { queue: "high" }),
    Error,
    `send('x') on "high" is enqueued; there are
  tests.testing.jobs.mail.send('a@b.c') on "low"`,
  );
  assertEquals(error.name, "AssertionError");
  assertThrows(
    () => captured.assertEnqueued(send, ["a@b.c"], { times: 2 }),
    Error,
    "is enqueued, 2 times",
  );
  assertThrows(
    () => captured.assertEnqueued(refuse, undefined, { times: 0 }),
    RangeError,
    "assertNotEnqueued()",
  );
  assertThrows(
    () => captured.assertNotEnqueued(send),
    Error,
    "is not enqueued",
  );
  // @ts-expect-error there is no such option
  const misspelt = () => captured.assertEnqueued(send, ["x"], { time: 2 });
  assertThrows(misspelt, TypeError, 'did you mean "times"');
});

Deno.test("arguments are compared as they are stored", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const date = new Date(0);
  await queue.enqueueCall({
    func: "jobs.mail.at",
    args: [{ b: date, a: undefined }],
    kwargs: { copies: 2 },
  });
  const args = [{ b: date.toISOString() }];
  captured.assertEnqueued("jobs.mail.at", args);
  captured.assertEnqueued("jobs.mail.at", args, { kwargs: { copies: 2 } });
  captured.assertNotEnqueued("jobs.mail.at", args, { kwargs: {} });
});

Deno.test("when a job may run can be asserted", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const at = new Date("2040-01-01T00:00:00.123Z");
  await queue.enqueueAt(at, send, "a");
  await queue.enqueueIn(90, send, "b");
  captured.assertEnqueued(send, ["a"], { at });
  captured.assertEnqueued(send, undefined, { in: "1m30s", times: 1 });
  captured.assertNotEnqueued(send, ["b"], { at });
  const wrong = () => captured.assertEnqueued(send, ["a"], { in: "1h" });
  assertThrows(wrong, Error, "send('a') in 3600 s is enqueued; there are");
  assertThrows(wrong, Error, 'on "low" at 2040-01-01T00:00:00.123Z');
});

Deno.test("draining runs the jobs, and those that they enqueue, in their order", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  calls.length = 0;
  const job = await queue.enqueue(sendAll, ["a", "b"]);
  const last = await queue.enqueue(Mailer.send, "c");
  assertEquals(await captured.drain(), 4);
  assertEquals(await job.wait(), 2);
  assertEquals(await last.result(), "me to c");
  await job.refresh();
  assertEquals([job.meta, job.progress()], [{ sent: 2 }, {
    value: 1,
    note: "b",
  }]);
  assertEquals(calls, ["send a", "send b"]);
  captured.assertEnqueued(send, ["a"]);
  assertEquals(
    await Promise.all(captured.jobs.map((job) => job.getStatus())),
    Array(4).fill("finished"),
  );
  captured.clear();
  assertEquals([captured.jobs, await captured.drain()], [[], 0]);
});

Deno.test("draining fails with what a job has thrown, after all have run", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  calls.length = 0;
  const job = await queue.enqueue(refuse, "x");
  await queue.enqueue(send, "a");
  const error = await assertRejects(() => captured.drain(), JobFailedError);
  assertInstanceOf(error.cause, MailError);
  assertEquals([error.jobId, calls], [job.id, ["refuse x", "send a"]]);
  assertEquals(await job.getStatus(), "failed");
  assertEquals(
    (await job.excInfo())?.split("\n")[0],
    "MailError: no such address x",
  );
  await assertRejects(() => job.wait(), JobFailedError, "no such address x");
  await job.requeue();
  await queue.enqueue(refuse, "y");
  await assertRejects(() => captured.drain(), AggregateError, "2 jobs");
});

Deno.test("jobs that wait for others run after them, and get their results", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const first = await queue.enqueueCall({ func: send, args: ["a"], in: "1h" });
  const second = await queue.enqueue(send, "b");
  const passing = dependency([first, second], { passResults: true });
  const last = await queue.enqueueCall({ func: join, dependsOn: passing });
  const look = await queue.enqueueCall({
    func: parents,
    dependsOn: [second, last],
  });
  assertEquals(await captured.drain(), 1);
  assertEquals(
    [await first.getStatus(), await last.getStatus()],
    ["scheduled", "deferred"],
  );
  assertEquals(await captured.drain({ scheduled: true }), 3);
  assertEquals(await last.wait(), "hello a+hello b");
  assertEquals(await look.wait(), [
    "finished hello b",
    "finished hello a+hello b",
  ]);
});

Deno.test("what the end of a parent means is as dependency() says", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const parent = await queue.enqueue(refuse, "x");
  const children = [];
  for (const ifParentFails of ["wait", "run", "fail", "cancel"] as const) {
    const dependsOn = dependency(parent, { ifParentFails });
    const call = { func: send, args: [ifParentFails], dependsOn } as const;
    children.push(await queue.enqueueCall(call));
  }
  await assertRejects(() => captured.drain(), JobFailedError);
  assertEquals(
    await Promise.all(children.map((job) => job.getStatus())),
    ["deferred", "finished", "failed", "canceled"],
  );
  await children[2]!.refresh();
  assertEquals(children[2]!.decidedBy, { id: parent.id, status: "failed" });
  const unknown = queue.enqueueCall({
    func: send,
    args: ["x"],
    dependsOn: "no",
  });
  await assertRejects(() => unknown, NoSuchJobError);
});

Deno.test("callbacks run as jobs of their own", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  calls.length = 0;
  const options = { onSuccess: told, onFailure: told } as const;
  await queue.enqueueCall({ func: send, args: ["a"], jobId: "A", ...options });
  await queue.enqueueCall({
    func: refuse,
    args: ["x"],
    jobId: "B",
    ...options,
  });
  await assertRejects(
    () => captured.drain(),
    JobFailedError,
    "no such address",
  );
  assertEquals(calls, ["send a", "A finished", "refuse x", "B failed"]);
  assertEquals(captured.jobs.length, 4);
});

Deno.test("ids and unique keys are heeded", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const call = { func: send, args: ["a"], jobId: "A" } as const;
  await queue.enqueueCall(call);
  await assertRejects(() => queue.enqueueCall(call), DuplicateJobError);
  const unique = { func: send, args: ["b"], unique: { key: "k" } } as const;
  const first = await queue.enqueueCall(unique);
  await assertRejects(
    () => queue.enqueueCall(unique),
    DuplicateJobError,
    "held",
  );
  const skip = { ...unique, unique: { key: "k", ifTaken: "skip" } } as const;
  const same = await queue.enqueueCall(skip);
  assertEquals([same.id, same.isNew, first.isNew], [first.id, false, true]);
  assertEquals(await queue.uniqueHolder("k"), first.id);
  const debounced = await queue.enqueueCall({
    ...unique,
    args: ["c"],
    unique: { key: "k", ifTaken: "debounce", delay: "1s" },
  });
  assertEquals([debounced.id, debounced.args], [first.id, ["c"]]);
  const replace = {
    ...unique,
    unique: { key: "k", ifTaken: "replace" },
  } as const;
  const next = await queue.enqueueCall(replace);
  assertEquals([await first.getStatus(), next.isNew], [null, true]);
  await captured.drain();
  assertEquals(await queue.uniqueHolder("k"), null);
  assertEquals((await queue.enqueueCall(call)).isNew, true);
});

Deno.test("jobs can be canceled, deleted and waited for", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  const [canceled, deleted, waited] = await queue.enqueueMany([
    { func: send, args: ["a"] },
    { func: send, args: ["b"] },
    { func: send, args: ["c"] },
  ]);
  await canceled.cancel();
  assertEquals(await deleted.delete(), true);
  const waiting = waited.wait();
  assertEquals(await captured.drain(), 1);
  assertEquals(await waiting, "hello c");
  assertEquals(
    [await canceled.getStatus(), await deleted.getStatus()],
    ["canceled", null],
  );
  const late = await queue.enqueue(send, "d");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => late.wait({ signal }), Error, "enough");
  assertEquals(await queue.empty(), 1);
});

Deno.test("what waits for a job that is canceled or deleted does what it does in Redis", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using _captured = capture(queue);
  const after = async (...dependsOn: Job[]) =>
    await queue.enqueueCall({ func: send, args: ["x"], dependsOn });
  const start = async () => await queue.enqueue(send, "first");
  const [freed, other, gone, all] = await Promise.all(
    [start(), start(), start(), start()],
  );
  const goesOn = await after(freed);
  const waits = await after(freed, other);
  await freed.cancel({ enqueueDependents: true });
  assertEquals(await goesOn.getStatus(), "queued");
  assertEquals(await waits.getStatus(), "deferred");
  await other.cancel({ enqueueDependents: true });
  assertEquals(await waits.getStatus(), "queued");

  const inVain = await after(gone);
  await gone.delete();
  assertEquals(await inVain.getStatus(), "deferred");

  const child = await after(all);
  const grandchild = await after(child);
  await all.delete({ deleteDependents: true });
  assertEquals(await child.getStatus(), null);
  assertEquals(await grandchild.getStatus(), "deferred");
});

Deno.test("a function of job() stands for its queue, and nothing for all queues", async () => {
  {
    using captured = capture(invite);
    await invite.enqueue("a@b.c");
    captured.assertEnqueued(invite, ["a@b.c"], { queue: "invitations" });
  }
  {
    using all = capture();
    await using queue = new Queue("new", { connection: NOWHERE });
    await queue.enqueue(send, "a");
    await invite.enqueue("b");
    using inner = capture(queue);
    await queue.enqueue(send, "c");
    assertEquals([all.jobs.length, inner.jobs.length], [2, 1]);
    inner.assertEnqueued(send, ["c"], { times: 1 });
  }
  assertThrows(() => capture(send), TypeError, "Cannot capture send");
});

Deno.test("a capture of all queues has the jobs that are looked for by their ids", async () => {
  const connection = NOWHERE;
  await using queue = new Queue("low", { connection });
  using captured = capture();
  const { id } = await queue.enqueue(send, "a");
  await captured.drain();
  const job = await Job.fetch(id, { connection });
  assertEquals([await job.result(), job.origin], ["hello a", "low"]);
  assertEquals(await Job.exists("no", { connection }), false);
  await assertRejects(() => Job.fetch("no", { connection }), NoSuchJobError);
  assertEquals(await deleteJob(id, { connection }), true);
  assertEquals(await Job.fetchMany([id], { connection }), [null]);
});

Deno.test("calls are checked as ever", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using _captured = capture(queue);
  const closure = () => 1;
  await assertRejects(() => queue.enqueue(closure), TypeError, "closure");
  const big = { func: send, args: [1n as unknown as string] } as const;
  await assertRejects(() => queue.enqueueCall(big), TypeError, "BigInt");
});

Deno.test("what needs Redis says so, and after the capture it is asked again", async () => {
  await using queue = new Queue("low", {
    connection: NOWHERE,
    connectTimeout: 0.01,
  });
  {
    using _captured = capture(queue);
    const tagged = queue.jobsByTag("x").next();
    await assertRejects(() => tagged, Error, "it needs Redis");
  }
  {
    using _captured = capture();
    const connection = { connection: NOWHERE, connectTimeout: 0.01 };
    for (
      const attempt of [
        () => Group.create(connection),
        () => Group.fetch("g", connection),
        () => Group.all(connection),
      ]
    ) await assertRejects(attempt, Error, "it needs Redis");
  }
  await assertRejects(() => queue.count(), Error, "127.0.0.1:1");
});

Deno.test("many jobs, each of which waits for the one before it, are drained in their order", async () => {
  await using queue = new Queue("low", { connection: NOWHERE });
  using captured = capture(queue);
  calls.length = 0;
  let before: string[] = [];
  for (let i = 0; i < 2_000; i++) {
    const call = { func: send, args: [`${i}`], dependsOn: before } as const;
    before = [(await queue.enqueueCall(call)).id];
  }
  assertEquals(await captured.drain(), 2_000);
  assertEquals(calls, Array.from(calls, (_, i) => `send ${i}`));
});
