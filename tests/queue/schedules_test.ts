/** `Schedules`, the public API. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  InvalidJobOperationError,
  NoSuchScheduleError,
  type ScheduleOptions,
  Schedules,
  type When,
} from "../../mod.ts";
import { CronScheduler } from "../../lib/worker/cron_scheduler.ts";
import { storeOf } from "../store/schedule_scenes.ts";
import { memoryLog } from "../worker/support.ts";
import * as made from "./fixtures/project/jobs/made.ts";
import { send } from "./fixtures/project/jobs/mail.ts";
import { Desk } from "./support.ts";

/** A desk with schedules on its connection. */
async function opened() {
  const stack = new AsyncDisposableStack();
  const desk = stack.use(await Desk.open());
  const { bench, queue } = desk;
  const schedules = new Schedules({ connection: queue.connection });
  const cron = new CronScheduler({
    schedules: storeOf(bench),
    sweeps: bench.sweeps,
    name: "w1",
    log: memoryLog(),
    onError: (error) => {
      throw error;
    },
  });
  return {
    ...{ desk, bench, queue, schedules },
    /** Makes the jobs that are due; returns how many slots were claimed. */
    pass: () => cron.claimDue(),
    /** Has a slot come. */
    async come(name: string, slot: number) {
      await bench.send("HSET", bench.keys.schedule(name), "start", slot);
      await bench.send("ZADD", bench.keys.schedules, slot, name);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a schedule shows what it was told, and when it runs next", async () => {
  await using at = await opened();
  const { schedules } = at;
  await schedules.upsert("nightly report", "0 2 * * *", {
    func: send,
    args: ["a@b.c"],
    queue: "low",
    timeZone: "Europe/Berlin",
    overlap: "skip",
    missed: "all",
  });
  await schedules.upsert("poll", { every: "15m" }, { func: "jobs.poll" });
  const report = await schedules.get("nightly report");
  assert(report !== null);
  const { nextRun, ...others } = report;
  assertEquals(others, {
    name: "nightly report",
    when: "0 2 * * *",
    timeZone: "Europe/Berlin",
    queue: "low",
    funcName: "jobs.mail.send",
    overlap: "skip",
    missed: "all",
    lastRun: null,
    lastJobId: null,
    paused: false,
    file: null,
    error: null,
  });
  const wall = Temporal.Instant.fromEpochMilliseconds(nextRun!.getTime())
    .toZonedDateTimeISO("Europe/Berlin");
  assertEquals([wall.hour, wall.minute, wall.second], [2, 0, 0]);
  const all = await schedules.all();
  assertEquals(all.map(({ name, when }) => [name, when]), [
    ["poll", { every: 900 }],
    ["nightly report", "0 2 * * *"],
  ]);
  assertEquals(await schedules.get("nobody"), null);
});

Deno.test("its job is the call, with the options of a job", async () => {
  await using at = await opened();
  await at.schedules.upsert("s", { every: "1h" }, {
    func: "jobs.mail.send",
    args: ["a@b.c", { big: true }],
    queue: "q",
    timeout: "30s",
    resultTtl: 60,
    retry: 3,
    description: "words",
    meta: { tenant: 7 },
    isolation: "shared",
  });
  assertEquals(await at.pass(), 1); // an interval begins at once
  const [made] = await Array.fromAsync(at.queue.jobs());
  const { funcName, args, timeout, description, meta } = made!;
  assertEquals(
    { funcName, args, timeout, description, meta },
    {
      funcName: "jobs.mail.send",
      args: ["a@b.c", { big: true }],
      timeout: 30,
      description: "words",
      meta: { tenant: 7 },
    },
  );
  const field = (name: string) => at.bench.field(made!.id, name);
  assertEquals(await field("retries_left"), "3");
  assertEquals(await field("result_ttl"), "60");
  assertEquals(await field("x_isolation"), "shared");
  await at.desk.finish('"sent"');
  assertEquals(await made!.wait({ timeout: 10 }), "sent");
  const [run] = await at.schedules.runs("s");
  assertEquals([run!.outcome, run!.jobId], ["enqueued", made!.id]);
  assert(run!.at >= run!.slot!);
  const shown = await at.schedules.get("s");
  assertEquals(shown!.lastJobId, made!.id);
  assertEquals(shown!.lastRun, run!.at);
  assertEquals(shown!.nextRun!.getTime() - run!.slot!.getTime(), 3_600_000);
});

Deno.test("a function that was made by job() brings its queue and its options", async () => {
  await using at = await opened();
  await at.schedules.upsert("s", { every: 60 }, {
    func: made.send,
    args: ["a@b.c"],
    retry: 1,
  });
  assertEquals((await at.schedules.get("s"))!.queue, "mail");
  await at.pass();
  const { lastJobId } = (await at.schedules.get("s"))!;
  const field = (name: string) => at.bench.field(lastJobId!, name);
  assertEquals(await field("status"), "scheduled"); // in: "1h"
  assertEquals([await field("retries_left"), await field("timeout")], [
    "1",
    "30",
  ]);
});

Deno.test("a unique job that is there already is not made again", async () => {
  await using at = await opened();
  await at.schedules.upsert("s", { every: 60 }, {
    func: "jobs.f",
    queue: "q",
    unique: { key: "k", ifTaken: "skip" },
  });
  const first = await at.schedules.runNow("s");
  await at.pass();
  const [run] = await at.schedules.runs("s");
  assertEquals([run!.outcome, run!.otherJobId], ["skipped", first.id]);
  await at.desk.finish();
  assert((await at.schedules.runNow("s")).id !== first.id);
});

Deno.test("upsert() again: the next run stays, unless the time is another one", async () => {
  await using at = await opened();
  const { schedules } = at;
  const options = { func: "jobs.f", queue: "q" };
  await schedules.upsert("s", { every: 3_600 }, options);
  await at.pass();
  const before = await schedules.get("s");
  await schedules.upsert("s", { every: "1h" }, { ...options, args: [2] });
  assertEquals((await schedules.get("s"))!.nextRun, before!.nextRun);
  assertEquals(await at.pass(), 0);
  await at.come("s", 1_000);
  await at.pass();
  assertEquals((await Array.fromAsync(at.queue.jobs())).at(-1)!.args, [2]);
  await schedules.upsert("s", "0 0 1 1 *", options);
  assertEquals((await schedules.get("s"))!.nextRun!.getUTCMonth(), 0);
});

Deno.test("pause() and resume(): the slots of the pause are left out", async () => {
  await using at = await opened();
  const { schedules } = at;
  await schedules.upsert("s", { every: 60 }, { func: "jobs.f", queue: "q" });
  await schedules.pause("s");
  const paused = await schedules.get("s");
  assertEquals([paused!.paused, paused!.nextRun], [true, null]);
  assertEquals(await at.pass(), 0);
  await schedules.upsert("s", { every: 60 }, { func: "jobs.g", queue: "q" });
  assertEquals(await at.pass(), 0);
  await schedules.resume("s");
  const { paused: isPaused, nextRun } = (await schedules.get("s"))!;
  assertEquals(isPaused, false);
  assert(nextRun!.getTime() > Date.now() - 5_000);
  await schedules.resume("s"); // does nothing
  assertEquals((await schedules.get("s"))!.nextRun, nextRun);
});

Deno.test("resume() goes on after the last slot that was claimed, although the clock was set back", async () => {
  await using at = await opened();
  const { schedules, bench } = at;
  await schedules.upsert("s", { every: 60 }, { func: "jobs.f", queue: "q" });
  const ahead = Math.floor(Date.now() / 1_000) + 3_600;
  await bench.send("HSET", bench.keys.schedule("s"), "last_slot", ahead);
  await schedules.pause("s");
  await schedules.resume("s");
  const { nextRun } = (await schedules.get("s"))!;
  assert(nextRun!.getTime() > ahead * 1_000, `${nextRun}`);
});

Deno.test("runNow() makes the job at once, of a paused schedule too, and follows overlap", async () => {
  await using at = await opened();
  const { schedules } = at;
  const options = { func: "jobs.f", args: [1], queue: "q" };
  await schedules.upsert("s", "0 0 1 1 *", { ...options, overlap: "skip" });
  const { nextRun } = (await schedules.get("s"))!;
  await schedules.pause("s");
  const made = await schedules.runNow("s");
  assertEquals([made.args, made.origin], [[1], "q"]);
  assertEquals(await at.queue.jobIds(), [made.id]);
  const error = await assertRejects(
    () => schedules.runNow("s"),
    InvalidJobOperationError,
    "has not ended",
  );
  assertEquals([error.jobId, error.status], [made.id, "queued"]);
  await at.desk.finish();
  await schedules.resume("s");
  assertEquals((await schedules.get("s"))!.nextRun, nextRun);
  const other = await schedules.runNow("s");
  assert(other.id !== made.id);
  const runs = await schedules.runs("s");
  assertEquals(runs.map(({ outcome, slot }) => [outcome, slot]), [
    ["enqueued", null],
    ["skipped", null],
    ["enqueued", null],
  ]);
  assertEquals(runs[1]!.otherJobId, made.id);
  assertEquals((await schedules.runs("s", { limit: 1 })).length, 1);
});

Deno.test("remove() leaves its jobs, and says whether there was a schedule", async () => {
  await using at = await opened();
  const { schedules } = at;
  await schedules.upsert("s", { every: 60 }, { func: "jobs.f", queue: "q" });
  await at.pass();
  assertEquals(await schedules.remove("s"), true);
  assertEquals(await schedules.remove("s"), false);
  assertEquals(await schedules.all(), []);
  assertEquals(await schedules.runs("s"), []);
  assertEquals(await at.queue.count(), 1);
  for (const what of ["pause", "resume", "runNow"] as const) {
    const error = await assertRejects(
      () => schedules[what]("s"),
      NoSuchScheduleError,
      'There is no schedule "s"',
    );
    assertEquals(error.schedule, "s");
  }
});

Deno.test("what nobody should have written is shown as far as it can be", async () => {
  await using at = await opened();
  const { schedules, bench } = at;
  const key = bench.keys.schedule("s");
  await bench.send("HSET", key, "id", "x", "timing", "x", "overlap", "odd");
  await bench.send("HSET", key, "last_run", "soon", "missed", "");
  await bench.send("ZADD", bench.keys.schedules, "1e300", "s");
  const runs = bench.keys.scheduleRuns("s");
  await bench.send("RPUSH", runs, "x", "null", "5", '{"outcome":"odd","at":1}');
  await bench.send("RPUSH", runs, '{"outcome":"missed","at":1,"job":7}');
  const shown = (await schedules.all())[0]!;
  assertEquals([shown.when, shown.overlap, shown.missed], [
    "x",
    "allow",
    "once",
  ]);
  assertEquals([shown.nextRun, shown.lastRun], [null, null]);
  assert(shown.error?.includes("JSON"), `${shown.error}`);
  assertEquals(await schedules.runs("s"), [{
    outcome: "missed",
    at: new Date(1_000),
    slot: null,
    missedSince: null,
    jobId: null,
    otherJobId: null,
    error: null,
  }]);
  await assertRejects(() => schedules.resume("s"), SyntaxError);
});

Deno.test.each<[string, When, Partial<ScheduleOptions>, string]>([
  ["", "* * * * *", {}, "expected 1 to 200 characters"],
  ["a\nb", "* * * * *", {}, "control character"],
  ["x".repeat(201), "* * * * *", {}, "expected 1 to 200 characters"],
  ["s", "* * * *", {}, "minute hour day month weekday"],
  ["s", "* * * * *", { timeZone: "Berlin" }, "Europe/Berlin"],
  ["s", { every: 0 }, {}, "whole seconds from 1"],
  ["s", "* * * * *", { overlap: "skipp" as "skip" }, "did you mean skip?"],
  ["s", "* * * * *", { missed: "never" as "skip" }, "skip, once, all"],
  ["s", "* * * * *", { queue: "" }, "it is empty"],
  ["s", "* * * * *", { timeout: 0 }, "timeout"],
])(
  "schedule %j at %j with %j is refused: %s",
  async (name, when, options, text) => {
    await using schedules = new Schedules();
    const upsert = () =>
      schedules.upsert(name, when, { func: "jobs.f", ...options });
    await assertRejects(upsert, RangeError, text);
  },
);

Deno.test.each<[unknown, unknown, object, string]>([
  [7, "* * * * *", {}, "expected text, got number"],
  ["s", 7, {}, "got number"],
  ["s", "* * * * *", { overlapp: "skip" }, 'did you mean "overlap"?'],
  ["s", { every: 5 }, { timeZone: "UTC" }, "for cron expressions"],
  ["s", "* * * * *", { func: 7 }, "expected a function"],
  ["s", "* * * * *", { args: [1n] }, "args[0]"],
])(
  "schedule %j at %j with %o is a TypeError: %s",
  async (name, when, options, text) => {
    await using schedules = new Schedules();
    const all = { func: "jobs.f", ...options } as ScheduleOptions;
    const upsert = () => schedules.upsert(name as string, when as When, all);
    await assertRejects(upsert, TypeError, text);
  },
);

Deno.test.each([[0], [-1], [1.5], ["1"]])(
  "runs() refuses the limit %j",
  async (limit) => {
    await using schedules = new Schedules();
    const runs = () => schedules.runs("s", { limit: limit as number });
    await assertRejects(runs, RangeError, "whole number from 1");
  },
);
