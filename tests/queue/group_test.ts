/** Groups as those who enqueue see them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DuplicateGroupError,
  Group,
  type GroupOptions,
  Job,
  NoSuchGroupError,
  Queue,
} from "../../mod.ts";
import { waitFor } from "../support/wait_for.ts";
import { add } from "../testing/jobs/contracts.ts";
import { send as made } from "./fixtures/project/jobs/made.ts";
import { nothing, send } from "./fixtures/project/jobs/mail.ts";
import { blocked, Desk } from "./support.ts";

function create(
  { queue }: Desk,
  options: GroupOptions = {},
): Promise<Group> {
  return Group.create({ connection: queue.connection, ...options });
}

const CALLS = [{ func: "f.a" }, { func: "f.b" }, { func: "f.c" }] as const;

/** Ids of a queue, without what is random in those of the jobs that a group has called for. */
async function ids(desk: Desk, queue: string): Promise<string[]> {
  const all = await desk.bench.queued(queue);
  return all.map((id) => id.replace(/-[0-9a-f]{8}$/, ""));
}

Deno.test("a group enqueues calls, lists their jobs, and counts them", async () => {
  await using desk = await Desk.open();
  const group = await create(desk);
  const jobs = await group.enqueueMany(desk.queue, CALLS);
  assertEquals(jobs.map(({ groupId }) => groupId), Array(3).fill(group.id));
  assertEquals(await desk.bench.queued(), jobs.map(({ id }) => id));
  const listed = await Array.fromAsync(group.jobs());
  assertEquals(
    listed.map(({ funcName }) => funcName).sort(),
    ["f.a", "f.b", "f.c"],
  );
  await desk.finish();
  await desk.fail();
  assertEquals(await group.counts(), {
    ...{ total: 3, open: 1, finished: 1, failed: 1 },
    ...{ stopped: 0, canceled: 0, gone: 0 },
  });
});

Deno.test("Group.wait() hears from Redis that the last member has ended", async () => {
  await using desk = await Desk.open();
  const group = await create(desk);
  await group.enqueueMany(desk.queue, CALLS.slice(0, 2));
  const waiting = group.wait({ timeout: 20 });
  await blocked(desk);
  await desk.finish();
  await desk.fail();
  const { total, finished, failed, open } = await waiting;
  assertEquals({ total, finished, failed, open }, {
    ...{ total: 2, finished: 1, failed: 1, open: 0 },
  });
  assertEquals((await group.wait()).total, 2, "it is complete already");
});

Deno.test("Group.wait() finds out by itself what nobody has announced", async () => {
  await using desk = await Desk.open();
  const group = await create(desk);
  await group.enqueueMany(desk.queue, [{ func: "f.g", jobId: "a" }]);
  const waiting = group.wait({ timeout: 20 });
  await blocked(desk);
  await desk.bench.send("DEL", "rq:job:a"); // as time does
  assertEquals((await waiting).gone, 1);
});

Deno.test("Group.wait() ends with its time, its signal, and its group", async () => {
  await using desk = await Desk.open();
  const group = await create(desk, { id: "g" });
  const late = await assertRejects(
    () => group.wait({ timeout: 0.01 }),
    DOMException,
    'Group "g" has not ended within 0.01 s',
  );
  assertEquals(late.name, "TimeoutError");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => group.wait({ signal }), Error, "enough");
  const waiting = assertRejects(() => group.wait(), NoSuchGroupError);
  await blocked(desk);
  assert(await group.delete());
  await waiting;
});

Deno.test("what a group calls for is a job like any other, on its own queue", async () => {
  await using desk = await Desk.open();
  const group = await create(desk, {
    id: "g",
    onComplete: { func: send, args: ["a@b.c"], queue: "calls", timeout: "5m" },
    onSuccess: { func: nothing, queue: "calls", in: "1h" },
    onFailure: { func: "jobs.alarm", meta: { level: 7 } },
  });
  await group.enqueueMany(desk.queue, CALLS.slice(0, 1));
  await desk.finish();
  assertEquals(await ids(desk, "calls"), ["g-complete"]);
  const [id] = await desk.bench.queued("calls");
  const { connection } = desk.queue;
  const called = await Job.fetch(id!, { connection });
  assertEquals([called.funcName, called.args], ["jobs.mail.send", ["a@b.c"]]);
  assertEquals([called.timeout, called.origin], [300, "calls"]);
  assertEquals(called.meta["group"], { id: "g", ...await group.counts() });
  const scheduled = await desk.bench.members("rq:scheduled:calls");
  assertEquals(scheduled.map((id) => id.slice(0, 9)), ["g-success"]);
  const other = await create(desk, {
    onFailure: {
      func: "jobs.alarm",
      tags: ["alarm"],
      rateLimit: { key: "k", concurrency: 1 },
    },
  });
  await other.enqueueMany(desk.queue, CALLS.slice(0, 1));
  await desk.fail();
  assertEquals(await ids(desk, "default"), [`${other.id}-failure`]);
  assertEquals((await desk.bench.members("rq:rl:k:allowed")).length, 1);
  const queue = new Queue("default", { connection });
  const alarms = await Array.fromAsync(queue.jobsByTag("alarm"));
  assertEquals(alarms.map(({ funcName }) => funcName), ["jobs.alarm"]);
});

Deno.test("what a group calls for goes where job() says", async () => {
  await using desk = await Desk.open();
  const onComplete = { func: made, args: ["a@b.c"] } as const;
  const group = await create(desk, { id: "g", onComplete });
  await group.enqueueMany(desk.queue, []);
  const scheduled = await desk.bench.members("rq:scheduled:mail");
  assertEquals(scheduled.map((id) => id.slice(0, 10)), ["g-complete"]);
});

Deno.test("a group that is filled is not complete before that is over", async () => {
  await using desk = await Desk.open();
  const other = new Queue("other", { connection: desk.queue.connection });
  const group = await create(desk, { id: "g", onComplete: { func: "f.g" } });
  const done = await group.fill(async () => {
    await desk.queue.enqueueCall({ func: "f.a", group });
    await desk.finish();
    assertEquals(await ids(desk, "default"), []);
    await other.enqueueCall({ func: "f.b", group: "g" });
    return "done";
  });
  assertEquals(done, "done");
  assertEquals((await group.counts()).open, 1);
  const failing = () => Promise.reject(new Error("bad"));
  await assertRejects(() => group.fill(failing), Error, "bad");
  await other.empty();
  assertEquals(await ids(desk, "default"), ["g-complete"]);
});

Deno.test("calls that are refused keep a group from being complete no longer than the others", async () => {
  await using desk = await Desk.open();
  const group = await create(desk);
  await desk.queue.enqueueCall({ func: "f.g", jobId: "taken" });
  await assertRejects(
    () =>
      group.enqueueMany(desk.queue, [
        { func: "f.g", jobId: "taken" },
        { func: "f.g", jobId: "fine" },
      ]),
    AggregateError,
    "Cannot enqueue 1 of 2",
  );
  await desk.finish();
  await desk.finish();
  assertEquals((await group.wait({ timeout: 5 })).total, 1);
});

Deno.test("a group in a group, by itself or by its id, keeps that one open", async () => {
  await using desk = await Desk.open();
  const outer = await create(desk, { id: "outer" });
  const inner = await create(desk, { group: outer });
  await create(desk, { id: "other", group: "outer" });
  assertEquals((await outer.counts()).open, 2);
  await inner.enqueueMany(desk.queue, []);
  assertEquals((await outer.counts()).finished, 1);
  await assertRejects(
    () => create(desk, { group: "none" }),
    NoSuchGroupError,
    'No such group "none"',
  );
});

Deno.test("Group.cancel() cancels what has not ended", async () => {
  await using desk = await Desk.open();
  const group = await create(desk);
  const [first, second] = await group.enqueueMany(desk.queue, [
    { func: "f.a" },
    { func: "f.b" },
  ]);
  await desk.finish();
  await group.cancel();
  assertEquals(await first.getStatus(), "finished");
  assertEquals(await second.getStatus(), "canceled");
  assertEquals((await group.wait({ timeout: 5 })).canceled, 1);
});

Deno.test("Group.delete() leaves the jobs, unless they are to go as well", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const group = await create(desk, { id: "g" });
  const [kept] = await group.enqueueMany(desk.queue, [{ func: "f.a" }]);
  assert(await group.delete());
  assertEquals(await kept.getStatus(), "queued");
  await kept.refresh();
  assertEquals(kept.groupId, null);
  assertEquals(await group.delete(), false);
  await assertRejects(() => group.counts(), NoSuchGroupError, '"g"');
  await assertRejects(() => group.cancel(), NoSuchGroupError);
  await assertRejects(
    () => group.enqueueMany(desk.queue, [{ func: "f.g" }]),
    NoSuchGroupError,
  );
  await assertRejects(
    () => desk.queue.enqueueCall({ func: "f.g", group }),
    NoSuchGroupError,
  );
  await assertRejects(() => Group.fetch("g", { connection }), NoSuchGroupError);
  const again = await create(desk, { id: "g" });
  const [gone] = await again.enqueueMany(desk.queue, [{ func: "f.a" }]);
  assert(await again.delete({ deleteJobs: true }));
  assertEquals(await gone.getStatus(), null);
  assertEquals(await desk.queue.count(), 1);
});

Deno.test("Group.fetch() and Group.all() find groups, whoever has made them", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  assertEquals(await Group.all({ connection }), []);
  const group = await create(desk, { id: "ours" });
  await desk.bench.add("a");
  await desk.bench.send("SADD", "rq:groups", "their group", "gone");
  await desk.bench.send("SADD", "rq:group:their group", "a");
  const all = await Group.all({ connection });
  assertEquals(all.map(({ id }) => id).sort(), ["ours", "their group"]);
  const fetched = await Group.fetch("ours", { connection });
  assertEquals(await fetched.counts(), await group.counts());
  await assertRejects(
    () => Group.fetch("gone", { connection }),
    NoSuchGroupError,
    'No such group "gone"',
  );
});

Deno.test("a group has a connection of its own unless it is given one, and takes a prefix", async () => {
  await using desk = await Desk.open({ prefix: "mine:" });
  const options = { connection: desk.bench.server.url, prefix: "mine:" };
  assertEquals(await desk.queue.count(), 0); // it connects
  const before = await desk.clients();
  {
    await using group = await Group.create({ ...options, id: "g" });
    await group.enqueueMany(desk.queue, [{ func: "f.g" }]);
    await using fetched = await Group.fetch("g", options);
    assertEquals((await fetched.counts()).total, 1);
    assertEquals(await desk.bench.send("EXISTS", "mine:group:g"), 1);
    await using queue = new Queue("q", {
      connection: fetched.connection,
      prefix: "mine:",
    });
    assertEquals(await queue.count(), 1);
  }
  await assertRejects(() => Group.create({ ...options, id: "g" }));
  await assertRejects(() => Group.fetch("none", options));
  await waitFor(async () => await desk.clients() === before);
});

Deno.test("an id that is taken is refused, and one that a job cannot have", async () => {
  await using desk = await Desk.open();
  await create(desk, { id: "g" });
  const error = await assertRejects(
    () => create(desk, { id: "g" }),
    DuplicateGroupError,
    'Cannot create group "g": there is one',
  );
  assertEquals(error.groupId, "g");
  await assertRejects(
    () => create(desk, { id: "a b" }),
    RangeError,
    'Cannot use group id "a b"',
  );
});

Deno.test.each<[string, Record<string, unknown>, string]>([
  ["an option that there is not", { onCompleted: {} }, "onComplete"],
  ["a time to live of 0", { ttl: 0 }, "ttl"],
  ["a call that is none", { onComplete: "f.g" }, "expected an object"],
  ["a call without a function", { onSuccess: {} }, "Cannot enqueue undefined"],
  ["a call with an id", {
    onFailure: { func: "f.g", jobId: "a" },
  }, "onFailure: a job that a group calls for can have no jobId"],
  ["a call with a parent", {
    onSuccess: { func: "f.g", dependsOn: "a" },
  }, "onSuccess: a job that a group calls for can have no dependsOn"],
  ["a call with a unique key", {
    onComplete: { func: "f.g", unique: { key: "k" } },
  }, "onComplete: a job that a group calls for can have no unique"],
  ["a call with a wrong option", {
    onComplete: { func: "f.g", timout: 5 },
  }, "timeout"],
  ["a call that its contract refuses", {
    onComplete: { func: add, args: [0, 1] },
  }, "args[0]: "],
  ["a call on a queue that cannot be", {
    onComplete: { func: "f.g", queue: "" },
  }, 'queue name ""'],
  ["a call that belongs to the group itself", {
    id: "g",
    onComplete: { func: "f.g", group: "g" },
  }, "it belongs to the very group"],
  ["a group that is none", { group: 7 }, "expected a group or its id"],
])(
  "a group with %s is refused, and nothing is stored",
  async (_what, options, text) => {
    await using desk = await Desk.open();
    const error = await assertRejects(() => create(desk, options), Error, text);
    assert(error instanceof TypeError || error instanceof RangeError);
    const keys = await desk.bench.allKeys();
    assertEquals(keys.filter((key) => key.includes("group")), []);
  },
);
