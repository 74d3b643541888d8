import { assert, assertEquals } from "@std/assert";
import { PROMOTE_SCHEDULED } from "../../lib/store/scripts/promote_scheduled.ts";
import {
  Scheduler,
  type SchedulerOptions,
} from "../../lib/worker/scheduler.ts";
import { Bench, newJob } from "../store/support.ts";
import { waitFor } from "../support/wait_for.ts";
import { gated } from "./support.ts";

function scheduler(
  bench: Bench,
  options: Partial<SchedulerOptions> = {},
): Scheduler {
  return new Scheduler({
    sweeps: bench.sweeps,
    queues: ["q"],
    onError: (error) => {
      throw error;
    },
    ...options,
  });
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

Deno.test("who had no turn leaves the next ones to others for a while, and takes over when they are gone", async () => {
  await using bench = await Bench.open();
  const [one, other] = [scheduler(bench), scheduler(bench)];
  await one.runOnce();
  assertEquals(await other.runOnce(), 0);
  await due(bench, 3);
  await bench.send("DEL", "rq:x_turn:scheduler:q"); // as time does
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) counts.push(await other.runOnce());
  assertEquals(counts, [0, 0, 3]);
});

Deno.test("with nothing scheduled, a pass over many queues costs a command, and a turn lasts for several", async () => {
  await using bench = await Bench.open();
  const queues = Array.from({ length: 50 }, (_, i) => `q${i}`);
  await using one = scheduler(bench, { queues });
  await bench.send("CONFIG", "RESETSTAT");
  for (let i = 0; i < 3; i++) assertEquals(await one.runOnce(), 0);
  const stats = String(await bench.send("INFO", "commandstats"));
  const calls = (name: string) =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  assertEquals([calls("set"), calls("exists")], [1, 3]);
  assertEquals(calls("evalsha") + calls("eval"), 0);
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
  await bench.send("SET", "rq:scheduler-lock:q", "4711", "EX", 60);
  assertEquals(await one.promote(), 0);
  assertEquals(await bench.send("GET", "rq:scheduler-lock:q"), "4711");
  await bench.send("DEL", "rq:scheduler-lock:q");
  assertEquals(await one.promote(), 2);
  assertEquals(await bench.send("EXISTS", "rq:scheduler-lock:q"), 0);
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
