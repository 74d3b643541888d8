import { assert, assertEquals, assertRejects } from "@std/assert";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { PROMOTE_SCHEDULED } from "../../lib/store/scripts/promote_scheduled.ts";
import {
  Scheduler,
  type SchedulerOptions,
} from "../../lib/worker/scheduler.ts";
import { Bench, newJob } from "../store/support.ts";
import { waitFor } from "../support/wait_for.ts";
import { FakeClock, turn } from "../support/fake_clock.ts";
import { commandCount, gated } from "./support.ts";

function scheduler(
  bench: Bench,
  options: Partial<SchedulerOptions> = {},
): Scheduler {
  return new Scheduler({ ...defaults(bench), ...options });
}

function defaults(bench: Bench): SchedulerOptions {
  return {
    sweeps: bench.sweeps,
    queues: ["q"],
    name: "w1",
    onError: (error) => {
      throw error;
    },
  };
}

const TURN = "rq:x_turn:scheduler:q";
const LOCK = "rq:scheduler-lock:q";

/** One on a fake clock. */
class TimedScheduler extends Scheduler {
  readonly fake = new FakeClock();

  protected override get clock(): FakeClock {
    return this.fake;
  }
}

function timed(
  bench: Bench,
  options: Partial<SchedulerOptions> = {},
): TimedScheduler {
  return new TimedScheduler({ ...defaults(bench), ...options });
}

/** Jobs that have been due for long, the one with the highest number first. */
async function due(
  bench: Bench,
  count: number,
  queue = "q",
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `${queue}-${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id, { queue })));
  await bench.send("DEL", `rq:queue:${queue}`);
  for (const [i, id] of ids.entries()) {
    await bench.send("HSET", `rq:job:${id}`, "status", "scheduled");
    await bench.send("ZADD", `rq:scheduled:${queue}`, 1_000 - i, id);
  }
  return ids.reverse();
}

Deno.test("one pass queues all that is due, in the order of its time, and nothing else", async () => {
  await using bench = await Bench.open();
  const ids = await due(bench, 600);
  await bench.send("ZADD", "rq:scheduled:q", 9_999_999_999, "later", 2, "gone");
  await using one = scheduler(bench);
  assertEquals(await one.runOnce(), 600);
  assertEquals(await bench.queued(), ids);
  assertEquals(await bench.status(ids[0]!), "queued");
  assertEquals(await bench.members("rq:scheduled:q"), ["later"]);
});

Deno.test("of many schedulers of the same queues one has the turn, those of others have their own", async () => {
  await using bench = await Bench.open();
  await due(bench, 300);
  await due(bench, 5, "r");
  const many = Array.from({ length: 6 }, () => scheduler(bench));
  many.push(scheduler(bench, { queues: ["r"] }));
  const counts = await Promise.all(many.map((s) => s.runOnce()));
  assertEquals(counts.toSorted((a, b) => a - b), [0, 0, 0, 0, 0, 5, 300]);
});

Deno.test("who has no turn asks again later, and takes over when the other one is gone", async () => {
  await using bench = await Bench.open();
  const [one, other] = [scheduler(bench), timed(bench, { name: "w2" })];
  await one.runOnce();
  assertEquals(await other.runOnce(), 0);
  assertEquals(await bench.send("HGET", "rq:x_schedulers", "q"), "w1");
  await due(bench, 3);
  await bench.send("DEL", TURN); // as time does
  assertEquals(await other.runOnce(), 0);
  await other.fake.advance(3_000);
  assertEquals(await other.runOnce(), 3);
  assertEquals(await bench.send("HGET", "rq:x_schedulers", "q"), "w2");
  const seconds = Number(await bench.send("TTL", "rq:x_schedulers"));
  assert(seconds > 0 && seconds <= 60, `announced for ${seconds} s`);
});

Deno.test("a job is queued by a timer to its time, without a look", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { due: "+60" });
  let called = 0;
  const sweeps = gated(
    bench,
    PROMOTE_SCHEDULED,
    Promise.resolve(),
    () => called++,
  );
  await using one = timed(bench, { sweeps });
  await one.runOnce();
  assertEquals(called, 1);
  await bench.send("ZADD", "rq:scheduled:q", 1, "a"); // as time does
  one.start();
  one.expect("q", 500);
  one.expect("q", 700);
  one.expect("another", 1);
  one.expect("q", NaN);
  await turn();
  await one.fake.advance(499);
  assertEquals(called, 1);
  await one.fake.advance(1);
  await waitFor(async () => await bench.status("a") === "queued");
});

Deno.test("a job that nobody has told of is found by a look each second", async () => {
  await using bench = await Bench.open();
  await using one = timed(bench);
  one.start();
  await one.fake.advance(100);
  await waitFor(async () => await bench.send("EXISTS", TURN) === 1);
  await due(bench, 2);
  await waitFor(async () => {
    await one.fake.advance(100);
    return await bench.send("LLEN", "rq:queue:q") === 2;
  });
});

Deno.test("one that is left to Python is looked at again, and queued when the lock is gone", async () => {
  await using bench = await Bench.open();
  await using one = timed(bench);
  await due(bench, 2);
  await bench.send("SET", LOCK, "4711", "EX", 60);
  one.start();
  await one.fake.advance(100);
  await waitFor(async () => await bench.send("EXISTS", TURN) === 1);
  await bench.send("DEL", LOCK);
  await waitFor(async () => {
    await one.fake.advance(100);
    return await bench.send("LLEN", "rq:queue:q") === 2;
  });
});

Deno.test("an idle scheduler of 50 queues takes 15 commands in ten seconds, one without the turn 5", async () => {
  await using bench = await Bench.open();
  const queues = Array.from({ length: 50 }, (_, i) => `q${i}`);
  const [one, other] = [timed(bench, { queues }), timed(bench, { queues })];
  const turn = `rq:x_turn:scheduler:${queues.toSorted()}`;
  await one.runOnce();
  await other.runOnce();
  const costOf = async (subject: TimedScheduler) => {
    let count = 0;
    for (let i = 0; i < 100; i++) {
      await bench.send("SET", turn, "1");
      if (subject === one) await bench.send("DEL", turn); // as time does
      await commandCount(bench);
      await subject.fake.advance(100);
      await subject.runOnce();
      count += await commandCount(bench);
    }
    return count;
  };
  const [first, second] = [await costOf(one), await costOf(other)];
  assert(first <= 15, `${first} commands`);
  assert(second <= 5, `${second} commands`);
});

Deno.test("a job for much later costs a command a second, and is asked for again now and then", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { due: "+3600" });
  let called = 0;
  const sweeps = gated(
    bench,
    PROMOTE_SCHEDULED,
    Promise.resolve(),
    () => called++,
  );
  await using one = timed(bench, { sweeps });
  await one.runOnce();
  for (let i = 0; i < 21; i++) {
    await bench.send("DEL", TURN); // as time does
    await one.fake.advance(1_000);
    await one.runOnce();
  }
  assertEquals(called, 3);
});

Deno.test("several passes at once queue each job once, in order", async () => {
  await using bench = await Bench.open();
  const ids = await due(bench, 700);
  const many = Array.from({ length: 4 }, () => scheduler(bench));
  const counts = await Promise.all(many.map((s) => s.promote()));
  assertEquals(counts.reduce((a, b) => a + b), 700);
  assertEquals(await bench.queued(), ids);
});

Deno.test("a queue is left to a Python scheduler that holds its lock; ours takes none, so that one can begin at any time", async () => {
  await using bench = await Bench.open();
  await due(bench, 2);
  await using one = scheduler(bench);
  await bench.send("SET", LOCK, "4711", "EX", 60);
  assertEquals(await one.promote(), 0);
  assertEquals(await bench.send("GET", LOCK), "4711");
  await bench.send("DEL", LOCK);
  assertEquals(await one.promote(), 2);
  assertEquals(await bench.send("EXISTS", LOCK), 0);
});

Deno.test("jobs whose queue takes no ids stay scheduled, keep no other queue waiting, and are told of once", async () => {
  await using bench = await Bench.open();
  await due(bench, 2);
  await due(bench, 3, "bad");
  await bench.send("SET", "rq:queue:bad", "x");
  const errors: unknown[] = [];
  await using one = scheduler(bench, {
    queues: ["bad", "q"],
    onError: (error) => errors.push(error),
  });
  assertEquals(await one.promote() + await one.promote(), 2);
  assertEquals(errors.map(String), [
    `Error: Cannot queue scheduled jobs of "bad": a key of the queue holds another type of value`,
  ]);
  assertEquals((await bench.members("rq:scheduled:bad")).length, 3);
  await bench.send("DEL", "rq:queue:bad");
  assertEquals(await one.promote(), 3);
});

Deno.test("a pass stops in the middle when its worker leaves", async () => {
  await using bench = await Bench.open();
  await due(bench, 700);
  const gate = Promise.withResolvers<void>();
  let called = 0;
  const sweeps = gated(bench, PROMOTE_SCHEDULED, gate.promise, () => called++);
  const one = scheduler(bench, { sweeps });
  one.start();
  await waitFor(() => called === 1);
  const stopped = one.stop();
  gate.resolve();
  await stopped;
  assertEquals(called, 1);
  const left = (await bench.members("rq:scheduled:q")).length;
  assert(left > 0 && left < 700, `${left}`);
  assertEquals((await bench.queued()).length, 700 - left);
});

Deno.test("what is due is queued in a Redis that is full, and does not even take who has the turn", async () => {
  await using bench = await Bench.open();
  const ids = await due(bench, 3);
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  await using one = scheduler(bench);
  await assertRejects(() => one.runOnce(), ReplyError, "OOM");
  assertEquals(await one.runOnce(), 3);
  assertEquals(await bench.queued(), ids);
});
