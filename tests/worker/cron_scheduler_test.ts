import { assert, assertEquals } from "@std/assert";
import { DUE_SCHEDULES } from "../../lib/store/scripts/due_schedules.ts";
import { ScheduleStore } from "../../lib/store/schedule_store.ts";
import {
  CronScheduler,
  type CronSchedulerOptions,
} from "../../lib/worker/cron_scheduler.ts";
import { put, slotOf, storeOf } from "../store/schedule_scenes.ts";
import { Bench } from "../store/support.ts";
import { FakeClock, turn } from "../support/fake_clock.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { commandCount, gated, memoryLog } from "./support.ts";

function defaults(bench: Bench): CronSchedulerOptions {
  return {
    schedules: storeOf(bench),
    sweeps: bench.sweeps,
    name: "w1",
    log: memoryLog(),
    onError: (error) => {
      throw error;
    },
  };
}

function scheduler(
  bench: Bench,
  options: Partial<CronSchedulerOptions> = {},
): CronScheduler {
  return new CronScheduler({ ...defaults(bench), ...options });
}

const TURN = "rq:x_turn:schedules";

/** One on a fake clock. */
class TimedScheduler extends CronScheduler {
  readonly fake = new FakeClock();

  protected override get clock(): FakeClock {
    return this.fake;
  }
}

function timed(
  bench: Bench,
  options: Partial<CronSchedulerOptions> = {},
): TimedScheduler {
  return new TimedScheduler({ ...defaults(bench), ...options });
}

Deno.test("one pass makes a job of each schedule that is due, and sets its next slot after now", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  for (let i = 0; i < 250; i++) await put(store, `s${i}`, { slot: 1_000 + i });
  await using one = scheduler(bench);
  assertEquals(await one.runOnce(), 250);
  assertEquals((await bench.queued()).length, 250);
  const [now, next] = [await store.now(), Number(await slotOf(bench, "s7"))];
  assert(next > now - 5 && next <= now + 1_000_000, `${next} at ${now}`);
  assertEquals((next - 1_007) % 1_000_000, 0);
  assertEquals(await one.claimDue(), 0);
});

Deno.test("of ten at once each slot is claimed by one, with the turn or without", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  for (let i = 0; i < 50; i++) await put(store, `s${i}`);
  const many = Array.from({ length: 10 }, () => scheduler(bench));
  const counts = await Promise.all(many.map((one) => one.claimDue()));
  assertEquals(counts.reduce((a, b) => a + b), 50);
  assertEquals((await bench.queued()).length, 50);
  for (let i = 0; i < 50; i++) await put(store, `t${i}`);
  const passes = await Promise.all(many.map((one) => one.runOnce()));
  assertEquals(passes.toSorted((a, b) => a - b), [...Array(9).fill(0), 50]);
});

Deno.test.each<[string, number, string[]]>([
  ["skip", 0, ["missed"]],
  ["once", 1, ["enqueued"]],
  ["all", 6, Array(6).fill("enqueued")],
])("missed: %s makes %d jobs of six slots", async (missed, jobs, outcomes) => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const now = await store.now();
  // six slots, the last one 59 seconds ago, which is late
  const slot = now - 59 - 5 * 100_000;
  const timing = '{"every":100000}';
  await put(store, "s", { slot, timing, hash: { missed } });
  await using one = scheduler(bench);
  await one.runOnce();
  assertEquals((await bench.queued()).length, jobs);
  const runs = (await store.runs("s", 100)).map((text) => JSON.parse(text));
  assertEquals(runs.map(({ outcome }) => outcome), outcomes);
  assertEquals(runs[0].slot, slot + 500_000);
  assertEquals(runs[0].since, missed === "all" ? undefined : slot);
  assertEquals(await slotOf(bench, "s"), `${slot + 600_000}`);
});

Deno.test("a slot is claimed by a timer to it, of which a new schedule tells the one with the turn", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const now = await store.now();
  await put(store, "farthest", { slot: now + 9_000 });
  let looks = 0;
  const { client } = gated(
    bench,
    DUE_SCHEDULES,
    Promise.resolve(),
    () => looks++,
  );
  await using one = timed(bench, {
    schedules: new ScheduleStore(client, bench.keys),
  });
  await one.runOnce();
  assertEquals(looks, 1);
  const told: string[] = [];
  const channel = bench.keys.channel("w1");
  await using _s = await bench.client.subscribe(channel, (m) => told.push(m));
  await put(store, "far", { slot: now + 5_000 });
  await put(store, "near", { slot: now + 1_000 });
  await put(store, "between", { slot: now + 3_000 });
  await waitFor(() => told.length === 2);
  const ms = told.map((text) => JSON.parse(text));
  assertEquals(ms.map(({ command }) => command), [
    "x-schedules",
    "x-schedules",
  ]);
  assert(ms[1].ms > 990_000 && ms[1].ms <= 1_000_000, told[1]);
  await bench.send("ZADD", bench.keys.schedules, 1_000, "near"); // as time does
  one.start();
  one.expect(500);
  one.expect(700);
  one.expect(NaN);
  await turn();
  await one.fake.advance(499);
  assertEquals(looks, 1);
  await one.fake.advance(1);
  await waitFor(async () => (await bench.queued()).length === 1);
});

Deno.test("who has no turn asks again later, and takes over when the other one is gone", async () => {
  await using bench = await Bench.open();
  const [one, other] = [timed(bench), timed(bench, { name: "w2" })];
  await one.runOnce();
  assertEquals(await bench.send("GET", TURN), "w1");
  await put(storeOf(bench), "s");
  assertEquals(await other.runOnce(), 0);
  await bench.send("DEL", TURN); // as time does
  assertEquals(await other.runOnce(), 0);
  await other.fake.advance(5_000);
  assertEquals(await other.runOnce(), 1);
  assertEquals(await bench.send("GET", TURN), "w2");
});

Deno.test("an idle one takes at most ten commands in six seconds, one without the turn two", async () => {
  await using bench = await Bench.open();
  await put(storeOf(bench), "s", { slot: 99_999_999_999 });
  const [one, other] = [timed(bench), timed(bench)];
  await one.runOnce();
  await other.runOnce();
  const costOf = async (subject: TimedScheduler) => {
    let count = 0;
    for (let i = 0; i < 60; i++) {
      await bench.send("SET", TURN, "x");
      if (subject === one) await bench.send("DEL", TURN); // as time does
      await commandCount(bench);
      await subject.fake.advance(100);
      await subject.runOnce();
      count += await commandCount(bench);
    }
    return count;
  };
  const [first, second] = [await costOf(one), await costOf(other)];
  assert(first <= 10, `${first} commands`);
  assert(second <= 2, `${second} commands`);
});

Deno.test.each<[string, string, string]>([
  ["timing", '{"cron":"soon","timeZone":"UTC"}', "it has 1 field"],
  ["timing", "x", "is not valid JSON"],
  ["start", "soon", "is no whole number"],
  ["missed", "often", '"often" says nothing of runs that were missed'],
])(
  "a schedule whose %s is %s is marked and told of once, the others run",
  async (field, value, why) => {
    await using bench = await Bench.open();
    const store = storeOf(bench);
    await put(store, "bad");
    await bench.send("HSET", bench.keys.schedule("bad"), field, value);
    await put(store, "good", { slot: 2_000 });
    const log = memoryLog();
    await using one = scheduler(bench, { log });
    await one.runOnce();
    await one.claimDue();
    assertEquals((await bench.queued()).length, 1);
    const lines = log.lines.filter((line) => line.includes('"bad"'));
    assertEquals(lines.length, 1);
    assert(lines[0]!.includes(why), lines[0]);
    assertEquals(await slotOf(bench, "bad"), "inf");
    assert((await store.fetch("bad"))?.text("broken")?.includes(why));
    await put(store, "bad", { hash: { missed: "once" } }); // stored anew, it runs
    assertEquals(await one.claimDue(), 1);
  },
);

Deno.test("an error is told of once, and the next turn tries again", async () => {
  await using bench = await Bench.open();
  await bench.send("SET", bench.keys.schedules, "x");
  const errors: unknown[] = [];
  await using one = timed(bench, { onError: (error) => errors.push(error) });
  await one.runOnce();
  for (let i = 0; i < 3; i++) {
    await bench.send("DEL", TURN); // as time does
    await one.fake.advance(5_000);
    await one.runOnce();
  }
  assertEquals(errors.length, 1);
  await bench.send("DEL", bench.keys.schedules, TURN);
  await put(storeOf(bench), "s");
  await one.fake.advance(5_000);
  assertEquals(await one.runOnce(), 1);
});

Deno.test("what comes of each slot is logged", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  const log = memoryLog();
  await using one = scheduler(bench, { log });
  await put(store, "ran", { jobId: "j1" });
  await put(store, "skipped", { hash: { overlap: "skip", last_job: "j0" } });
  await put(store, "missed", {
    timing: '{"every":100000000}',
    hash: { missed: "skip" },
  });
  await put(store, "refused");
  await bench.send("HSET", bench.keys.schedule("refused"), "job", "x");
  await bench.add("j0", { queue: "other" });
  await one.runOnce();
  await waitForEqual(() => log.lines.toSorted(), [
    'Schedule "missed": missed, too late',
    'Schedule "ran": enqueued j1',
    'Schedule "refused": refused, what is stored of its job cannot be read',
    'Schedule "skipped": skipped, j0 has not ended',
  ]);
});
