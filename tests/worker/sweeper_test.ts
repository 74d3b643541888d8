import { assert, assertEquals } from "@std/assert";
import { RECOVER } from "../../lib/store/scripts/recover.ts";
import { Sweeper, type SweeperOptions } from "../../lib/worker/sweeper.ts";
import { Bench } from "../store/support.ts";
import { waitFor } from "../support/wait_for.ts";
import { abandoned, commandCount, gated, memoryLog } from "./support.ts";

/** So long that a turn is over only when a test says so. */
const LONG = 600_000;

function sweeper(bench: Bench, options: Partial<SweeperOptions> = {}): Sweeper {
  return new Sweeper({
    sweeps: bench.sweeps,
    log: memoryLog(),
    queues: ["q"],
    interval: LONG,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
}

Deno.test("a sweep puts back what a dead worker had, and says so", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 120);
  const log = memoryLog();
  await using one = sweeper(bench, { log });
  assertEquals(await one.runOnce(), 120);
  assertEquals(await bench.queued(), ids);
  assertEquals(log.lines.length, 120);
  assertEquals(
    log.lines[0],
    "q: Job was abandoned by its worker, put back (job-0)",
  );
});

Deno.test("of many sweepers one has the turn, and the next one when that is over", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 120);
  const sweepers = Array.from({ length: 8 }, () => sweeper(bench));
  const counts = await Promise.all(sweepers.map((s) => s.runOnce()));
  assertEquals(counts.toSorted(), [0, 0, 0, 0, 0, 0, 0, 120]);
  assertEquals(await bench.queued(), ids);
  const pttl = Number(await bench.send("PTTL", "rq:x_turn:sweep"));
  assert(pttl > 0 && pttl <= LONG / 3, `${pttl}`);
  await bench.send("DEL", "rq:x_turn:sweep"); // as time does
  const again = await Promise.all(sweepers.map((s) => s.runOnce()));
  assertEquals(again, [0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(await bench.send("EXISTS", "rq:x_turn:sweep"), 1);
});

Deno.test("a sweeper that dies in its turn keeps the others waiting only until the turn is over", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 300);
  const { promise: never } = Promise.withResolvers<void>();
  let called = 0;
  const dead = sweeper(bench, {
    interval: 300,
    sweeps: gated(bench, RECOVER, never, () => called++),
  });
  void dead.runOnce();
  await waitFor(() => called === 1);
  const other = sweeper(bench, { interval: 300 });
  await waitFor(async () => await other.runOnce() === 300);
  assertEquals(await bench.queued(), ids);
});

Deno.test("several sweeps of one queue at once, as of workers that start together, keep the order", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 400);
  const sweepers = Array.from({ length: 5 }, () => sweeper(bench));
  const counts = await Promise.all(sweepers.map((s) => s.sweep(["q"])));
  assertEquals(counts.reduce((a, b) => a + b), 400);
  assertEquals(await bench.queued(), ids);
});

Deno.test("a sweep stops in the middle when its worker leaves", async () => {
  await using bench = await Bench.open();
  await abandoned(bench, 300);
  const gate = Promise.withResolvers<void>();
  let called = 0;
  const one = sweeper(bench, {
    interval: 1,
    sweeps: gated(bench, RECOVER, gate.promise, () => called++),
  });
  one.start();
  await waitFor(() => called === 1);
  const stopped = one.stop();
  gate.resolve();
  await stopped;
  assertEquals(called, 1);
  const queued = (await bench.queued()).length;
  assert(queued > 0 && queued < 300, `${queued}`);
  assertEquals((await bench.members("rq:wip:q")).length, 300 - queued);
});

Deno.test("a queue that cannot be swept keeps no other from it, and is told of once", async () => {
  await using bench = await Bench.open();
  await abandoned(bench, 2);
  await bench.send("SADD", "rq:queues", "rq:queue:bad");
  await bench.send("SET", "rq:wip:bad", "x");
  const log = memoryLog();
  const one = sweeper(bench, { log });
  assertEquals(await one.sweep(["bad"]) + await one.sweep(["bad"]), 0);
  const told = log.lines.filter((line) => line.includes("Cannot sweep"));
  assertEquals(told.length, 1);
  assert(told[0]!.startsWith("bad: Cannot sweep the queue: ReplyError: "));
  assertEquals(await one.runOnce(), 2);
});

Deno.test("one pass takes every id that has expired out of the registries", async () => {
  await using bench = await Bench.open();
  for (const queue of ["q", "r"]) {
    await bench.send("SADD", "rq:queues", `rq:queue:${queue}`);
    for (const name of ["finished", "failed", "canceled"]) {
      const ids = Array.from({ length: 3_000 }, (_, i) => [100 + i, `j${i}`]);
      await bench.send("ZADD", `rq:${name}:${queue}`, ...ids.flat());
      await bench.send("ZADD", `rq:${name}:${queue}`, 9_999_999_999, "later");
    }
    await bench.send("ZADD", `rq:failed:${queue}`, -1, "ever");
  }
  await bench.add("later");
  await using one = sweeper(bench);
  await one.runOnce();
  for (const queue of ["q", "r"]) {
    assertEquals(await bench.members(`rq:finished:${queue}`), ["later"]);
    assertEquals(await bench.members(`rq:failed:${queue}`), ["ever", "later"]);
    assertEquals(await bench.members(`rq:canceled:${queue}`), ["later"]);
  }
});

Deno.test("a pass drops workers that are gone from the sets of queues that nobody has used, too", async () => {
  await using bench = await Bench.open();
  await bench.worker("alive", ["q"]);
  await bench.worker("dead", ["q", "unused"]);
  await bench.send("DEL", "rq:worker:dead");
  const log = memoryLog();
  await using one = sweeper(bench, { log, queues: ["unused"] });
  await one.runOnce();
  assertEquals(await bench.members("rq:workers"), ["rq:worker:alive"]);
  assertEquals(await bench.members("rq:workers:unused"), []);
  assertEquals(log.lines, ["Dropped dead worker dead"]);
});

Deno.test("an idle fleet's sweeps cost one command for each worker more", async () => {
  await using bench = await Bench.open();
  for (const queue of ["a", "b", "c"]) {
    await bench.send("SADD", "rq:queues", `rq:queue:${queue}`);
    await bench.send("ZADD", `rq:finished:${queue}`, 9_999_999_999, "job");
  }
  const round = async (count: number) => {
    await bench.send("DEL", "rq:x_turn:sweep", "rq:x_turn:registries");
    await commandCount(bench);
    const sweepers = Array.from({ length: count }, () => sweeper(bench));
    await Promise.all(sweepers.map((s) => s.runOnce()));
    return await commandCount(bench);
  };
  await round(1); // loads the scripts
  const [one, many] = [await round(1), await round(41)];
  assertEquals(many - one, 40);
  assert(one < 30, `${one}`);
});

Deno.test("a worker with 1,000 queues does not look at one after the other when it starts", async () => {
  await using bench = await Bench.open();
  await abandoned(bench, 1);
  const idle = Array.from({ length: 1_000 }, (_, i) => `idle-${i}`);
  await using one = sweeper(bench);
  await commandCount(bench);
  assertEquals(await one.sweep([...idle, "q"]), 1);
  const count = await commandCount(bench);
  assert(count < 200, `${count} commands`);
});

Deno.test("a string where the parents are that still have dependents to release keeps no job of a dead worker from going back", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 3);
  await bench.send("SET", bench.keys.releasing, "text");
  await using one = sweeper(bench);
  assertEquals(await one.runOnce(), 3);
  assertEquals(await bench.queued(), ids);
});

Deno.test("a sweep drops jobs that are gone from the index of tags", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { fields: { x_tags: `["mail"]` } });
  await bench.send("DEL", "rq:job:a");
  const key = bench.keys.tag("q", "mail");
  await bench.send("ZADD", key, 1, "a");
  await bench.send("ZADD", bench.keys.tags, 1, "1:q:mail");
  await using one = sweeper(bench);
  await one.runOnce();
  assertEquals(await bench.send("EXISTS", key, bench.keys.tags), 0);
});

Deno.test("a sweep drops the unique key of a job that has expired on its queue", async () => {
  await using bench = await Bench.open();
  const fields = { x_unique: "k", x_unique_how: "ended error" };
  await bench.add("a", { fields });
  await bench.send("DEL", "rq:job:a");
  await bench.send("ZADD", "rq:x_unique_keys", 1, "1:q:k"); // an hour later
  await using one = sweeper(bench);
  await one.runOnce();
  assertEquals(
    await bench.send("EXISTS", "rq:x_unique:1:q:k", "rq:x_unique_keys"),
    0,
  );
});
