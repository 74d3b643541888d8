/** Groups beside other features: whatever else keeps a member waiting, or ends it, it is counted as what it is. */

import { assertEquals, assertRejects } from "@std/assert";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { cancelGroup } from "../../lib/store/group_store.ts";
import { childOf } from "./edges.ts";
import { addTo, ALL_CALLS, called, counts, create } from "./groups.ts";
import { claimSlot, put, storeOf } from "./schedule_scenes.ts";
import { Bench } from "./support.ts";
import { unique } from "./unique_jobs.ts";

const MEMBER = { fields: { group_id: "g" } };

Deno.test("a member whose parent fails is counted as what becomes of it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  await bench.add("parent");
  for (const policy of ["wait", "fail", "cancel", "run"] as const) {
    await bench.add(policy, childOf("parent", policy, MEMBER));
  }
  assertEquals(await counts(bench, "g"), "open 4, total 4");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(
    await counts(bench, "g"),
    "open 2, total 4, failed 1, canceled 1",
  );
  assertEquals(await called(bench), ["g-on_failure"]);
  await bench.add("late", childOf("parent", "cancel", MEMBER));
  assertEquals(
    await counts(bench, "g"),
    "open 2, total 5, failed 1, canceled 2",
  );
});

Deno.test("members that are doomed with the last one end the group once", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  await addTo(bench, "g", "parent");
  for (let i = 0; i < 250; i++) { // more than one call handles
    await bench.add(`c${i}`, childOf("parent", "cancel", MEMBER));
  }
  await bench.run(worker, { outcome: "failed" });
  assertEquals(
    await counts(bench, "g"),
    "total 251, failed 1, canceled 250 (complete)",
  );
  assertEquals(await called(bench), ["g-on_failure", "g-on_complete"]);
});

Deno.test("a member that another job replaces is gone, and one that is not added is none", async () => {
  await using bench = await Bench.open();
  await create(bench, "g");
  const fields = (how: string) => unique(how, { group_id: "g" });
  await bench.add("a", { fields: fields("ended replace") });
  await bench.add("b", { fields: fields("ended replace") });
  assertEquals(await counts(bench, "g"), "open 1, total 2, gone 1");
  await bench.add("c", { fields: fields("ended skip") });
  assertEquals(await counts(bench, "g"), "open 1, total 2, gone 1");
  assertEquals(await bench.members("rq:group:g"), ["b"]);
});

Deno.test("a member that waits for a slot is open, and is counted once it has got it and ended", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  const limit = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  for (const id of ["a", "b"]) await addTo(bench, "g", id, limit);
  assertEquals(await bench.status("b"), "rate_limited");
  await bench.run(worker);
  assertEquals(await counts(bench, "g"), "open 1, total 2, finished 1");
  await bench.run(worker);
  assertEquals(await called(bench), ["g-on_complete", "g-on_success"]);
});

Deno.test("a schedule adds its jobs to a group, and says that there is none if it is gone", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s", MEMBER);
  const { outcome, why } = await claimSlot(store, "s");
  assertEquals([outcome, why], ["refused", 'there is no group "g"']);
  await create(bench, "g");
  assertEquals((await store.runNow("s")).outcome, "enqueued");
  assertEquals(await counts(bench, "g"), "open 1, total 1");
});

Deno.test("a member that cannot be canceled keeps no other from it, and no sweep from its work", async () => {
  await using bench = await Bench.open();
  await create(bench, "g");
  await bench.add("bad", { ...MEMBER, queue: "bad" });
  for (const id of ["a", "b"]) await addTo(bench, "g", id);
  await bench.send("SET", "rq:canceled:bad", "text");
  await assertRejects(
    () => cancelGroup(bench.jobs, "g"),
    ReplyError,
    'Cannot cancel job "bad"',
  );
  assertEquals(await counts(bench, "g"), "open 1, total 3, canceled 2");
  const again = async () => {
    await bench.send("ZADD", "rq:x_open_groups", 1, "g");
    return await bench.sweeps.tendGroups();
  };
  assertEquals(await again(), 1);
  await bench.send("DEL", "rq:canceled:bad");
  assertEquals(await again(), 1);
  assertEquals(await counts(bench, "g"), "total 3, canceled 3 (complete)");
});
