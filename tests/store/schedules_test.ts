/** Schedules in Redis: each slot is claimed once, and makes its job in the same step. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { ScheduleStore } from "../../lib/store/schedule_store.ts";
import {
  claimSlot,
  due,
  put,
  SLOT,
  slotOf,
  storeOf,
} from "./schedule_scenes.ts";
import { Bench, echoing } from "./support.ts";

/** The runs of a schedule without the times that the server has put in. */
async function runs(store: ScheduleStore, name: string): Promise<unknown[]> {
  const texts = await store.runs(name, 100);
  return texts.map((text) => {
    const { at, ...run } = JSON.parse(text);
    assert(Number(at) > 1e9, text);
    return run;
  });
}

Deno.test("a slot makes one job, whose id is of the schedule and the slot", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "Nightly report!", { fields: { meta: "{}" } });
  const { outcome, jobId } = await claimSlot(store, "Nightly report!");
  assertEquals(outcome, "enqueued");
  assert(/^nightly-report-[0-9a-f]{8}-1000$/.test(jobId), jobId);
  assertEquals(await bench.queued(), [jobId]);
  assertEquals(await bench.status(jobId), "queued");
  assertEquals(
    await bench.field(jobId, "created_at"),
    await bench.field(jobId, "enqueued_at"),
  );
  assertEquals(await slotOf(bench, "Nightly report!"), "1060");
  const worker = await bench.worker();
  assertEquals(await bench.run(worker), jobId);
});

Deno.test("of twenty clients at once, one claims each of ten slots", async () => {
  await using bench = await Bench.open();
  await put(storeOf(bench), "s");
  const clients = Array.from({ length: 20 }, () => connect(bench.server.url));
  try {
    const outcomes = await Promise.all(clients.map(async (client) => {
      const store = new ScheduleStore(client, bench.keys);
      const mine: string[] = [];
      for (let i = 0; i < 10; i++) {
        mine.push((await claimSlot(store, "s", SLOT + i * 60)).outcome);
      }
      return mine;
    }));
    for (let i = 0; i < 10; i++) {
      const claimed = outcomes.filter((mine) => mine[i] === "enqueued").length;
      assert(claimed <= 1, `slot ${i} was claimed ${claimed} times`);
    }
    // One that lags behind finds the slots taken; together they claim all.
    const all = outcomes.flat().filter((outcome) => outcome !== "taken");
    assertEquals(all.length, 10);
    assertEquals((await bench.queued()).length, 10);
    assertEquals(await slotOf(bench, "s"), `${SLOT + 600}`);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
});

Deno.test("a call that is sent again changes nothing", async () => {
  await using bench = await Bench.open();
  let before: Record<string, string> = {};
  const store = new ScheduleStore(
    echoing(bench.client, async (_reply, time) => {
      if (time === 1) before = await bench.dump();
      else assertEquals(await bench.dump(), before);
    }),
    bench.keys,
  );
  await put(store, "s", { hash: { overlap: "skip" } });
  await put(store, "s", { timing: '{"every":3600}' });
  assertEquals((await claimSlot(store, "s")).outcome, "taken"); // the first has claimed it
  await store.pause("s");
  const first = await store.runNow("s");
  assertEquals(first.outcome, "enqueued");
  assertEquals((await bench.queued()).length, 2);
  assertEquals(await store.resume("s", 5_000), true);
  assertEquals(await slotOf(bench, "s"), "5000");
  await store.begin({ file: "f", token: "t" });
  await store.break("s", "why");
});

Deno.test("a program whose clock is wrong claims nothing before its time, and never goes back", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const now = await store.now();
  await put(store, "s", { slot: now + 3_600 });
  const claim = (slot: number, next: number | undefined, of = slot) =>
    store.claim(due("s", of), { slot, run: true, next });
  assertEquals((await claim(now + 3_600, now + 7_200)).outcome, "taken");
  await put(store, "s", { slot: SLOT, timing: '{"every":61}' });
  assertEquals((await claim(SLOT, SLOT)).outcome, "taken");
  assertEquals((await claim(SLOT, SLOT - 60)).outcome, "taken");
  assertEquals((await claim(SLOT - 60, SLOT, SLOT)).outcome, "taken");
  assertEquals((await claim(now + 60, now + 120, SLOT)).outcome, "taken");
  assertEquals(await bench.queued(), []);
  assertEquals((await claim(SLOT, now + 60)).outcome, "enqueued");
});

Deno.test("when the server's clock is set back, slots that were claimed stay claimed", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const now = await store.now();
  // As after a step of an hour: the slots up to an hour from now have been claimed.
  await put(store, "s", { slot: now + 3_600 });
  assertEquals((await store.due()).due, []);
  assertEquals((await claimSlot(store, "s", now - 60)).outcome, "taken");
  assertEquals((await claimSlot(store, "s", now)).outcome, "taken");
  const { nextMs } = await store.due();
  assert(nextMs > 3_590_000 && nextMs <= 3_600_000, `${nextMs}`);
});

Deno.test("a slot that was missed makes no job, and one run may stand for several", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s");
  const missed = { slot: SLOT + 60, run: false, next: SLOT + 120 };
  assertEquals((await store.claim(due("s"), missed)).outcome, "missed");
  await store.claim(due("s", SLOT + 120), {
    ...missed,
    slot: SLOT + 300,
    run: true,
    next: SLOT + 360,
  });
  const [job] = await bench.queued();
  assertEquals(await runs(store, "s"), [
    { outcome: "enqueued", job, slot: SLOT + 300, since: SLOT + 120 },
    { outcome: "missed", slot: SLOT + 60, since: SLOT },
  ]);
});

Deno.test("overlap: allow runs beside the last job, skip skips, replace cancels", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const worker = await bench.worker();
  for (const overlap of ["allow", "skip", "replace"]) {
    await put(store, overlap, { hash: { overlap } });
    const first = await claimSlot(store, overlap);
    assertEquals(first.outcome, "enqueued");
    const running = await bench.claim(worker);
    const second = await claimSlot(store, overlap, SLOT + 60);
    const status = await bench.status(first.jobId);
    const queued = await bench.queued();
    if (overlap === "allow") {
      assertEquals([second.outcome, second.other, status], [
        "enqueued",
        "",
        "started",
      ]);
    } else if (overlap === "skip") {
      assertEquals(second, {
        outcome: "skipped",
        jobId: "",
        other: first.jobId,
        why: "",
      });
      assertEquals([status, queued], ["started", []]);
      await bench.end(worker, running);
      assertEquals(
        (await claimSlot(store, overlap, SLOT + 120)).outcome,
        "enqueued",
      );
    } else {
      assertEquals(second.other, first.jobId);
      assertEquals([status, queued], ["canceled", [second.jobId]]);
      assertEquals(await bench.end(worker, running), "lost");
    }
    await bench.send("DEL", "rq:queue:q");
  }
});

Deno.test("runs that share an id of their own wait for each other, whatever overlap says", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s", { jobId: "the-one" });
  assertEquals((await claimSlot(store, "s")).jobId, "the-one");
  const second = await claimSlot(store, "s", SLOT + 60);
  assertEquals([second.outcome, second.other], ["skipped", "the-one"]);
  const worker = await bench.worker();
  await bench.run(worker);
  assertEquals((await claimSlot(store, "s", SLOT + 120)).outcome, "enqueued");
  assertEquals(await bench.queued(), ["the-one"]);
});

Deno.test("a job's options hold: later, after others, within a rate limit, at the head", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await bench.add("parent", { queue: "other" });
  await put(store, "later", { due: "+60" });
  await put(store, "child", { dependsOn: ["parent"] });
  const limit = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  await put(store, "limited", { fields: limit });
  await put(store, "front", { atFront: true, ttl: 60 });
  const ids = new Map<string, string>();
  for (const name of ["later", "child", "limited", "front"]) {
    ids.set(name, (await claimSlot(store, name)).jobId);
  }
  const limited = await claimSlot(store, "limited", SLOT + 60);
  assertEquals(await bench.status(ids.get("later")!), "scheduled");
  assertEquals(await bench.status(ids.get("child")!), "deferred");
  assertEquals(await bench.status(limited.jobId), "rate_limited");
  assertEquals(await bench.queued(), [ids.get("front")!, ids.get("limited")!]);
  const ttl = await bench.ttl(bench.keys.job(ids.get("front")!));
  assert(ttl > 50 && ttl <= 60, `${ttl}`);
});

Deno.test("a schedule that is stored again as it was keeps its slot, with another timing it gets a new one", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s", { slot: 5_000 });
  await put(store, "s", { slot: 9_000, queue: "other" });
  assertEquals(await slotOf(bench, "s"), "5000");
  assertEquals((await store.fetch("s"))?.text("queue"), "other");
  await put(store, "s", { slot: 9_000, timing: '{"every":61}' });
  assertEquals(await slotOf(bench, "s"), "9000");
  await store.pause("s");
  await put(store, "s", { slot: 9_000, timing: '{"every":62}' });
  assertEquals(await slotOf(bench, "s"), "inf");
  await store.resume("s", 9_999);
  assertEquals(await slotOf(bench, "s"), "9999");
  await store.resume("s", 11_111);
  assertEquals(await slotOf(bench, "s"), "9999", "it was not paused");
});

Deno.test("a schedule of which nothing is left, and one that never was, are gone", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s");
  await claimSlot(store, "s");
  assertEquals(await store.remove("s"), true);
  assertEquals(await store.remove("s"), false);
  assertEquals(await store.fetch("s"), null);
  assertEquals(await store.pause("s"), false);
  assertEquals(await store.resume("s", 5), false);
  assertEquals((await store.runNow("s")).outcome, "gone");
  assertEquals((await claimSlot(store, "s", SLOT + 60)).outcome, "taken");
  const kept = await bench.allKeys();
  assertEquals(kept.filter((key) => key.includes("x_schedule")), []);
  await bench.send("ZADD", bench.keys.schedules, 1, "ghost");
  assertEquals((await store.due()).due, []);
  assertEquals(await store.names(), []);
});

Deno.test("what is due comes in the order of its slots, with the time until what is not", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const now = await store.now();
  await put(store, "second", { slot: 2_000 });
  await put(store, "first", { slot: 1_000 });
  await put(store, "later", { slot: now + 100 });
  await put(store, "paused", { slot: 500 });
  await store.pause("paused");
  const found = await store.due();
  assertEquals(found.due.map(({ name }) => name), ["first", "second"]);
  assertEquals(found.due[0], {
    name: "first",
    slot: "1000",
    timing: '{"every":1000000}',
    start: "1000",
    missed: "once",
  });
  assert(found.nextMs > 90_000 && found.nextMs <= 100_000);
  assert(Math.abs(found.now - now) < 60);
});

Deno.test("a hundred runs are remembered, and their jobs where RQ looks for them", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s");
  for (let i = 0; i < 105; i++) await claimSlot(store, "s", SLOT + i * 60);
  assertEquals((await store.runs("s", 1_000)).length, 100);
  const [latest] = await runs(store, "s") as { slot: number; job: string }[];
  assertEquals(latest!.slot, SLOT + 104 * 60);
  const key = "rq:cron_job:s:jobs";
  assertEquals(await bench.send("ZCARD", key), 105);
  assertEquals(await bench.send("ZRANGE", key, 0, 0, "REV"), [latest!.job]);
  assert(await bench.ttl(key) > 31_000_000);
  const name = await bench.send("ZRANGE", "rq:cron_jobs", 0, -1, "WITHSCORES");
  assertEquals((name as string[])[0], "s");
});

Deno.test.each<[string, string]>([
  ["what is stored of it is no job", "cannot be read"],
  ["its queue holds another type of value", "another type of value"],
])(
  "a job that cannot be made uses its slot and says why: %s",
  async (what, why) => {
    await using bench = await Bench.open();
    const store = storeOf(bench);
    await put(store, "s");
    const broken = what.includes("queue");
    if (broken) await bench.send("SET", "rq:queue:q", "x");
    else await bench.send("HSET", bench.keys.schedule("s"), "job", "x");
    const reply = await claimSlot(store, "s");
    assertEquals(reply.outcome, "refused");
    assert(reply.why.includes(why), reply.why);
    assertEquals(await slotOf(bench, "s"), "1060");
    const [run] = await runs(store, "s") as { outcome: string; why: string }[];
    assertEquals([run!.outcome, run!.why], ["refused", reply.why]);
  },
);

Deno.test.each([
  ["\x93\xa1q\xa1R\xa1"],
  ["\x95\xa1q\xa1R\xa1\x31\xa1d\x90"],
  ["\x95\xa1q\xa1R\xa1\x31\xa1d\x91\x93\x01\x02\x03"],
  ["\x95\xc3\xa1R\xa1\x31\xa1d\x91\x93\xa1a\xa1\x30\xa1\x30"],
  ["\x95\xa1q\xa1R\xa1\x31\xa1d\x91\x95\xa1a\xa1x\xa1y\xa1k\xa1v"],
])("a stored job that is none is refused: %j", async (job) => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s");
  const bytes = Uint8Array.from(job, (c) => c.charCodeAt(0));
  await bench.send("HSET", bench.keys.schedule("s"), "job", bytes);
  assertEquals((await claimSlot(store, "s")).outcome, "refused");
  assertEquals((await store.runNow("s")).outcome, "refused");
});

Deno.test("keys that hold another type of value: nothing is written, others go on", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "good");
  await bench.send("SET", bench.keys.schedule("bad"), "x");
  await bench.send("ZADD", bench.keys.schedules, 1, "bad");
  const error = await assertRejects(() => put(store, "bad"), ReplyError);
  assert(error.message.startsWith('WRONGTYPE Cannot change schedule "bad"'));
  assertEquals((await store.due()).due.map(({ name }) => name), ["good"]);
  await bench.send("SET", bench.keys.scheduleRuns("good"), "x");
  await bench.send("SET", "rq:cron_job:good:jobs", "x");
  await bench.send("SET", "rq:cron_jobs", "x");
  assertEquals((await claimSlot(store, "good")).outcome, "enqueued");
  assertEquals((await store.runNow("good")).outcome, "enqueued");
  assertEquals(await store.runs("good", 5), []);
});

Deno.test("a full Redis makes no job and claims no slot; it does both when there is room again", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  await put(store, "s");
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  await assertRejects(() => claimSlot(store, "s"), ReplyError, "OOM");
  assertEquals(await slotOf(bench, "s"), `${SLOT}`);
  await bench.send("CONFIG", "SET", "maxmemory", 0);
  assertEquals((await claimSlot(store, "s")).outcome, "enqueued");
  assertEquals((await bench.queued()).length, 1);
});

Deno.test("what a file no longer declares is removed; nothing else is", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const declared = { file: "cron.ts", token: "1" };
  await store.begin(declared);
  for (const name of ["a", "b"]) await put(store, name, { declared });
  await put(store, "by a call");
  const other = { file: "other.ts", token: "9" };
  await store.begin(other);
  await put(store, "of another", { declared: other });
  const anew = { file: "cron.ts", token: "2" };
  await store.begin(anew);
  assertEquals(await put(store, "a", { declared: anew }), {
    before: "cron.ts",
  });
  assertEquals(await store.retire(anew), ["b"]);
  assertEquals(await store.retire(anew), []);
  assertEquals((await store.names()).sort(), ["a", "by a call", "of another"]);
});

Deno.test("of two programs that read a file at once, the one that began later decides", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const [old, young] = [{ file: "f", token: "old" }, {
    file: "f",
    token: "young",
  }];
  await store.begin(old);
  await put(store, "a", { declared: old });
  await store.begin(young);
  await put(store, "b", { declared: young });
  assertEquals(await put(store, "c", { declared: old }), null);
  assertEquals(await put(store, "b", { declared: old }), null);
  assertEquals(await store.retire(old), []);
  assertEquals(await store.retire(young), ["a"]);
  assertEquals(await store.names(), ["b"]);
  assertEquals(await store.tokenOf("f"), "young");
  assertEquals(await store.tokenOf("g"), null);
});
