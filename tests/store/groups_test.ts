/** Groups: what is counted of their members, and what is called for when they have ended. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NoSuchGroupError } from "../../lib/base/errors.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import {
  cancelGroup,
  deleteGroup,
  groupIds,
  groupMembers,
  holdGroup,
} from "../../lib/store/group_store.ts";
import {
  addAsPython,
  addTo,
  ALL_CALLS,
  called,
  counts,
  create,
  isComplete,
  look,
} from "./groups.ts";
import { Bench } from "./support.ts";

Deno.test("each member is counted as what its job has become", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  assertEquals(await create(bench, "g"), "created");
  const ids = ["a", "b", "c", "d", "e", "f"];
  for (const id of ids) await addTo(bench, "g", id);
  assertEquals(await counts(bench, "g"), "open 6, total 6");
  await bench.run(worker);
  await bench.run(worker, { outcome: "failed" });
  await bench.run(worker, { outcome: "stopped" });
  await bench.jobs.cancel("d");
  await bench.jobs.delete("e");
  assertEquals(
    await counts(bench, "g"),
    "open 1, total 6, finished 1, failed 1, stopped 1, canceled 1, gone 1",
  );
  assertEquals(await isComplete(bench, "g"), false);
  await bench.run(worker, { ttl: 0 });
  assertEquals(
    await counts(bench, "g"),
    "total 6, finished 2, failed 1, stopped 1, canceled 1, gone 1 (complete)",
  );
  assertEquals(await bench.members("rq:group:g"), ["a", "b", "c", "d"]);
});

Deno.test("what happens to a job after its end does not change the counts", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g");
  for (const id of ["a", "b", "c"]) await addTo(bench, "g", id);
  await bench.run(worker);
  await bench.run(worker);
  await bench.jobs.delete("a");
  await bench.send("DEL", "rq:job:b"); // as time does
  await bench.sweeps.cleanGroups();
  assertEquals(await counts(bench, "g"), "open 1, total 3, finished 2");
  assertEquals(await bench.members("rq:group:g"), ["c"]);
});

Deno.test("a job that is tried again, repeated or requeued has not ended", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  await addTo(bench, "g", "retried", { retries_left: 1 });
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await counts(bench, "g"), "open 1, total 1");
  await bench.run(worker);
  assertEquals(await counts(bench, "g"), "total 1, finished 1 (complete)");
  await addTo(bench, "g", "repeated", { repeats_left: 1 });
  await bench.run(worker);
  assertEquals(await counts(bench, "g"), "open 1, total 2, finished 1");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(
    await counts(bench, "g"),
    "total 2, finished 1, failed 1 (complete)",
  );
  await bench.jobs.requeue("repeated", false);
  assertEquals(await counts(bench, "g"), "open 1, total 2, finished 1");
  await bench.send("HDEL", "rq:job:repeated", "repeats_left");
  await bench.run(worker);
  assertEquals(await counts(bench, "g"), "total 2, finished 2 (complete)");
});

Deno.test("a group calls once for what it is to call for, however often it is complete", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  for (const id of ["a", "b"]) await addTo(bench, "g", id);
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await called(bench), ["g-on_failure"], "at the first failure");
  await bench.run(worker);
  assertEquals(await called(bench), ["g-on_failure", "g-on_complete"]);
  await bench.jobs.requeue("a", false);
  await bench.run(worker);
  const all = ["g-on_failure", "g-on_complete", "g-on_success"];
  assertEquals(await called(bench), all, "all have finished after all");
  await addTo(bench, "g", "c");
  assertEquals(await isComplete(bench, "g"), false);
  await bench.run(worker);
  assertEquals(await counts(bench, "g"), "total 3, finished 3 (complete)");
  assertEquals(await called(bench), all);
});

Deno.test.each<[string, (bench: Bench) => Promise<unknown>]>([
  ["is canceled", (bench) => bench.jobs.cancel("a")],
  ["is deleted", (bench) => bench.jobs.delete("a")],
  ["is on a queue that is emptied", (bench) => bench.jobs.empty("q")],
  ["has expired on its queue", async (bench) => {
    await bench.send("DEL", "rq:job:a");
    await look(bench, "g");
  }],
  ["is stopped", async (bench) => {
    await bench.run(await bench.worker(), { outcome: "stopped" });
  }],
  ["fails and is not kept", async (bench) => {
    await bench.run(await bench.worker(), { outcome: "failed", ttl: 0 });
  }],
  ["is abandoned for the fourth time", async (bench) => {
    const execution = await bench.claim(await bench.worker());
    const since = await bench.field("a", "enqueued_at");
    await bench.send("HSET", "rq:job:a", "x_abandoned", `3 ${since}`);
    await bench.expire(execution);
    await bench.sweep();
  }],
])("a group whose last member %s calls that", async (_what, end) => {
  await using bench = await Bench.open();
  await create(bench, "g", { calls: ALL_CALLS });
  await addTo(bench, "g", "a");
  await end(bench);
  assertEquals(await called(bench), ["g-on_failure", "g-on_complete"]);
});

Deno.test("what a group calls for is told its counts, beside its own meta", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", {
    calls: ALL_CALLS,
    callOptions: { fields: { meta: `{"mine":[]}` } },
  });
  for (const id of ["a", "b"]) await addTo(bench, "g", id);
  await bench.run(worker, { outcome: "failed" });
  await bench.run(worker);
  const ended = { total: 2, stopped: 0, canceled: 0, gone: 0 };
  assertEquals(JSON.parse(await bench.field("g-on_failure", "meta") ?? ""), {
    group: { id: "g", ...ended, open: 1, finished: 0, failed: 1 },
    mine: [],
  });
  await create(bench, "h", { calls: ["on_complete"] });
  await addTo(bench, "h", "c");
  await bench.run(worker);
  assertEquals(JSON.parse(await bench.field("h-on_complete", "meta") ?? ""), {
    group: { id: "h", ...ended, total: 1, open: 0, finished: 1, failed: 0 },
  });
});

Deno.test("a group to which members are being added is not complete, until nobody is at it any more", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  assert(await holdGroup(bench.jobs, "g", "one", 60));
  assert(await holdGroup(bench.jobs, "g", "two", 60));
  await addTo(bench, "g", "a");
  await bench.run(worker);
  await holdGroup(bench.jobs, "g", "one", 0);
  assertEquals(await isComplete(bench, "g"), false);
  await holdGroup(bench.jobs, "g", "two", 0);
  assertEquals(await isComplete(bench, "g"), true);
  assertEquals(await called(bench), ["g-on_complete", "g-on_success"]);
});

Deno.test("who adds members and dies keeps the group from being complete only for a while", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ["on_complete"] });
  await holdGroup(bench.jobs, "g", "dead", 60);
  await addTo(bench, "g", "a");
  await bench.run(worker);
  await look(bench, "g");
  assertEquals(await isComplete(bench, "g"), false);
  await bench.send("ZADD", "rq:x_group_holds:g", 1, "dead"); // as time does
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  assertEquals(await bench.sweeps.tendGroups(), 1);
  assertEquals(await called(bench), ["g-on_complete"]);
  assertEquals(await bench.sweeps.tendGroups(), 0, "nothing is left to do");
});

Deno.test("a group without members is complete once somebody has added none", async () => {
  await using bench = await Bench.open();
  await create(bench, "g", { calls: ALL_CALLS });
  await look(bench, "g");
  assertEquals(await counts(bench, "g"), "");
  await holdGroup(bench.jobs, "g", "one", 60);
  await holdGroup(bench.jobs, "g", "one", 0);
  assertEquals(await counts(bench, "g"), " (complete)");
  assertEquals(await called(bench), ["g-on_complete", "g-on_success"]);
});

Deno.test("a group is kept while it has jobs, and for its time after that", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { ttl: 1_000 });
  assertEquals(await bench.ttl("rq:x_group:g"), 1_000);
  await addTo(bench, "g", "a");
  assertEquals(await bench.ttl("rq:x_group:g"), -1);
  await bench.run(worker);
  assertEquals(await bench.ttl("rq:x_group:g"), -1);
  await bench.send("DEL", "rq:job:a"); // as time does
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  await bench.sweeps.tendGroups();
  assertEquals(await bench.ttl("rq:x_group:g"), 1_000);
  assertEquals(await counts(bench, "g"), "total 1, finished 1 (complete)");
  await bench.send("DEL", "rq:x_group:g"); // as time does
  const left = (await bench.allKeys()).filter((key) => key.includes("group"));
  assertEquals(left, []);
});

Deno.test("a group whose last jobs Python has cleaned away is kept for its time", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { ttl: 1_000 });
  await addTo(bench, "g", "a");
  await bench.run(worker);
  await bench.send("DEL", "rq:job:a", "rq:group:g", "rq:groups");
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  await bench.sweeps.tendGroups();
  assertEquals(await bench.ttl("rq:x_group:g"), 1_000);
  assertEquals(await bench.members("rq:x_open_groups"), []);
});

Deno.test("a job is not added to a group that there is not, nor is anything stored of it", async () => {
  await using bench = await Bench.open();
  await assertRejects(() => addTo(bench, "g", "a"), NoSuchGroupError, `"g"`);
  assertEquals(await bench.allKeys(), []);
});

Deno.test("a key of the group that holds another type of value refuses its new jobs, and harms no end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g");
  await addTo(bench, "g", "a");
  await bench.send("DEL", "rq:x_group:g");
  await bench.send("SET", "rq:x_group:g", "text");
  await assertRejects(() => addTo(bench, "g", "b"), ReplyError, "WRONGTYPE");
  await bench.run(worker);
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await create(bench, "g"), "taken");
});

Deno.test("what a group calls for waits while its queue's key holds another type of value", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ["on_complete"] });
  await addTo(bench, "g", "a");
  await bench.send("SET", "rq:queue:calls", "text");
  await bench.run(worker);
  assertEquals(await bench.status("g-on_complete"), null);
  await bench.send("DEL", "rq:queue:calls");
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  await bench.sweeps.tendGroups();
  assertEquals(await called(bench), ["g-on_complete"]);
  assertEquals(await bench.sweeps.tendGroups(), 0, "nothing is left to do");
});

Deno.test("members that Python has added or ended are counted by a look at the group", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  await addTo(bench, "g", "ours");
  await addAsPython(bench, "g", "theirs");
  await bench.run(worker);
  assertEquals(await isComplete(bench, "g"), false, "one is not counted yet");
  assertEquals(await counts(bench, "g"), "open 1, total 2, finished 1");
  await bench.claim(worker);
  await bench.send("HSET", "rq:job:theirs", "status", "failed");
  assertEquals(
    await counts(bench, "g"),
    "total 2, finished 1, failed 1 (complete)",
  );
  assertEquals(await called(bench), ["g-on_failure", "g-on_complete"]);
  await bench.send("HSET", "rq:job:theirs", "status", "queued");
  await look(bench, "g");
  assertEquals(await isComplete(bench, "g"), true, "nobody looks at it");
  await bench.send("HSET", "rq:job:theirs", "status", "finished");
  assertEquals(
    await counts(bench, "g"),
    "total 2, finished 1, failed 1 (complete)",
  );
});

Deno.test("a group of Python's is counted from the first end that a worker of ours records", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (let i = 0; i < 500; i++) await addAsPython(bench, "my group", `j${i}`);
  await bench.run(worker);
  assertEquals(await isComplete(bench, "my group"), false);
  assertEquals(
    await counts(bench, "my group"),
    "open 499, total 500, finished 1",
  );
  for (let i = 1; i < 500; i++) await bench.run(worker);
  await addAsPython(bench, "my group", "late");
  assertEquals(
    await counts(bench, "my group"),
    "open 1, total 501, finished 500",
  );
  await bench.run(worker);
  assertEquals(
    await counts(bench, "my group"),
    "total 501, finished 501 (complete)",
  );
});

Deno.test("a job that names a group of which it is no member is counted nowhere", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.send("HSET", "rq:job:a", "group_id", "g");
  await bench.run(worker);
  const left = (await bench.allKeys()).filter((key) => key.includes("group"));
  assertEquals(left, []);
});

Deno.test("canceling a group cancels all that has not ended, in groups in it as well", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "outer", { calls: ALL_CALLS });
  await create(bench, "inner", { parent: "outer" });
  for (let i = 0; i < 500; i++) await addTo(bench, "outer", `job-${i}`);
  for (let i = 0; i < 3; i++) await addTo(bench, "inner", `inner-${i}`);
  await bench.run(worker);
  await bench.claim(worker);
  await bench.send("DEL", "rq:job:job-2"); // as time does
  assert(await cancelGroup(bench.jobs, "outer"));
  assertEquals(
    await counts(bench, "outer"),
    "total 501, finished 1, failed 1, canceled 498, gone 1 (complete)",
  );
  assertEquals(await counts(bench, "inner"), "total 3, canceled 3 (complete)");
  assertEquals(await called(bench), ["outer-on_failure", "outer-on_complete"]);
  assertEquals(await cancelGroup(bench.jobs, "none"), false);
});

Deno.test("a sweep goes on with canceling a group if the program that began it is gone", async () => {
  await using bench = await Bench.open();
  await create(bench, "g", { calls: ["on_complete"] });
  for (let i = 0; i < 300; i++) await addTo(bench, "g", `job-${i}`);
  await bench.send("HSET", "rq:x_group:g", "canceling", 1);
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  await bench.sweeps.tendGroups();
  assertEquals(await counts(bench, "g"), "total 300, canceled 300 (complete)");
  await addTo(bench, "g", "later");
  await bench.send("ZADD", "rq:x_open_groups", 1, "g");
  await bench.sweeps.tendGroups();
  assertEquals(await bench.status("later"), "queued", "that is over");
});

Deno.test("deleting a group leaves its jobs, which belong to none then", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  for (let i = 0; i < 300; i++) await addTo(bench, "g", `job-${i}`);
  assert(await deleteGroup(bench.jobs, "g", false));
  assertEquals((await bench.queued()).length, 300);
  assertEquals(await bench.field("job-7", "group_id"), null);
  await bench.run(worker);
  const left = (await bench.allKeys()).filter((key) => key.includes("group"));
  assertEquals([left, await called(bench)], [[], []]);
  assertEquals(await deleteGroup(bench.jobs, "g", false), false);
});

Deno.test("deleting a group with its jobs leaves nothing, and calls for nothing", async () => {
  await using bench = await Bench.open();
  await create(bench, "g", { calls: ALL_CALLS });
  for (let i = 0; i < 300; i++) await addTo(bench, "g", `job-${i}`);
  assert(await deleteGroup(bench.jobs, "g", true));
  const left = ["rq:queues", "rq:x_ends"]; // this one for a minute
  assertEquals(await bench.allKeys(), left);
});

Deno.test("groups and their members are listed in pages", async () => {
  await using bench = await Bench.open();
  await create(bench, "empty");
  await create(bench, "g");
  const ids = Array.from({ length: 450 }, (_, i) => `job-${i}`);
  for (const id of ids) await addTo(bench, "g", id);
  await addAsPython(bench, "my group", "theirs");
  assertEquals((await groupIds(bench.jobs)).sort(), ["empty", "g", "my group"]);
  const pages = await Array.fromAsync(groupMembers(bench.jobs, "g"));
  assert(pages.length > 1);
  assertEquals(pages.flat().sort(), ids.sort());
});
