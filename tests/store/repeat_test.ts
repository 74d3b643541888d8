/** A job with repeats left begins anew each time that it succeeds. */

import { assert, assertEquals } from "@std/assert";
import { FOR_EVER } from "../../lib/job/repeat.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Bench, echoing, endOne, newJob } from "./support.ts";

const ENDING = {
  outcome: "finished",
  ttl: 500,
  payload: "",
  workedMs: 5,
} as const;

/** In how many seconds a scheduled job is due, rounded. */
async function dueIn(bench: Bench, id = "a"): Promise<number> {
  const score = await bench.send("ZSCORE", "rq:scheduled:q", id);
  const [now] = await bench.send("TIME") as string[];
  return Math.round(Number(score) - Number(now));
}

/** Lets the time of a scheduled job come, and has it queued. */
async function promote(bench: Bench, id = "a"): Promise<void> {
  await bench.send("ZADD", "rq:scheduled:q", "XX", 1, id);
  assertEquals((await bench.sweeps.promoteScheduled("q")).moved, 1);
}

function isNear(actual: number, expected: number): void {
  assert(Math.abs(actual - expected) <= 2, `${actual}, not ${expected}`);
}

Deno.test("each repeat uses the first interval and drops it, and the last interval for all further ones", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { repeats_left: 4, repeat_intervals: "[100, 0, 300]" };
  await bench.add("a", { fields });
  const left = async () =>
    [await bench.field("a", "repeats_left")].concat(
      await bench.field("a", "repeat_intervals"),
    );

  await bench.run(worker);
  assertEquals(await left(), ["3", "[0,300]"]);
  isNear(await dueIn(bench), 100);
  await promote(bench);
  await bench.run(worker);
  assertEquals(await left(), ["2", "[300]"]);
  assertEquals(await bench.queued(), ["a"]);
  for (const expected of ["1", "0"]) {
    await bench.run(worker);
    assertEquals(await left(), [expected, "[300]"]);
    isNear(await dueIn(bench), 300);
    await promote(bench);
  }
  await bench.run(worker);
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await bench.send("XLEN", "rq:results:a"), 5);
  const worked = await bench.send(
    "HGET",
    bench.keys.worker(worker.name),
    "successful_job_count",
  );
  assertEquals(worked, "5");
});

Deno.test("a repeated job keeps its last result, never expires while it waits, and is as if just enqueued", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { repeats_left: 1, repeat_intervals: "[60]" };
  await bench.add("a", { fields });
  const before = await bench.send("HKEYS", bench.keys.job("a"));
  await bench.run(worker, { ttl: 30 });
  assertEquals(await bench.ttl("rq:job:a"), -1);
  const ttl = await bench.ttl("rq:results:a");
  assert(ttl > 20 && ttl <= 30, `${ttl}`);
  const after = await bench.send("HKEYS", bench.keys.job("a")) as string[];
  const others = after.filter((name) => !(before as string[]).includes(name));
  assertEquals(others, ["worker_name"]);
  await promote(bench);
  const { job } = await bench.claim(worker);
  assertEquals(job.integer("x_attempts"), undefined, "its first attempt again");
});

Deno.test("a job that is repeated for ever is counted down exactly", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { repeats_left: FOR_EVER } });
  await bench.run(worker);
  await bench.run(worker);
  const left = await bench.field("a", "repeats_left");
  assertEquals(left, "9007199254740989");
});

Deno.test("a job that keeps no result is repeated too, and removed at its last end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { repeats_left: 1 } });
  await bench.run(worker, { ttl: 0 });
  assertEquals(await bench.queued(), ["a"]);
  assertEquals(await bench.send("EXISTS", "rq:results:a"), 0);
  await bench.run(worker, { ttl: 0 });
  assertEquals(await bench.status("a"), null);
});

Deno.test("an end whose reply was lost is counted once, also if the job runs again by then", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const other = await bench.worker("w2");
  await bench.add("a", { fields: { repeats_left: 5 } });
  const execution = await bench.claim(worker);
  let next: Execution | undefined;
  const client = echoing(bench.client, async (_reply, time) => {
    if (time === 1) next = await bench.claim(other);
  });
  const store = new WorkerStore(client, bench.keys);
  assertEquals(await endOne(store, worker, execution, ENDING), "finished");
  assertEquals(await bench.field("a", "repeats_left"), "4");
  assertEquals(await bench.send("XLEN", "rq:results:a"), 1);
  assertEquals(await bench.field("a", "x_execution"), next!.id);
  assertEquals(await bench.status("a"), "started");
});

Deno.test("a failure ends the repetition; one that is retried does not", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { repeats_left: 2, retries_left: 1 } });
  await bench.run(worker, { outcome: "failed" });
  await bench.run(worker);
  assertEquals(await bench.queued(), ["a"]);
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("a"), "failed");
  assertEquals(await bench.field("a", "repeats_left"), "1");
  await bench.jobs.requeue("a", false);
  await bench.run(worker);
  assertEquals(await bench.queued(), ["a"], "after a requeue it goes on");
});

Deno.test.each(["[600]", "[0]"])(
  "a job that is canceled between two runs with the intervals %s does not run again",
  async (repeat_intervals) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: { repeats_left: 9, repeat_intervals } });
    await bench.run(worker);
    assert((await bench.jobs.cancel("a")).done);
    await bench.send("ZADD", "rq:scheduled:q", "XX", 1, "a");
    await bench.sweeps.promoteScheduled("q");
    assertEquals((await bench.tryClaim(worker)).kind, "empty");
    assertEquals(await bench.status("a"), "canceled");
  },
);

Deno.test("dependents run after the first success; those that come later, after the next", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { repeats_left: 1, repeat_intervals: "[600]" };
  await bench.add("a", { fields });
  await bench.add("b", { dependsOn: ["a"] });
  await bench.run(worker);
  assertEquals(await bench.queued(), ["b"]);
  await bench.add("c", { dependsOn: ["a"] });
  assertEquals(await bench.status("c"), "deferred");
  assertEquals(await bench.run(worker), "b");
  await promote(bench);
  await bench.run(worker);
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test("a rate limited job that is repeated at once keeps its slot, as in RQ", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const limit = { rate_limit_key: "key", rate_limit_concurrency: 1 };
  await bench.add("a", { fields: { ...limit, repeats_left: 1 } });
  await bench.add("b", { fields: limit });
  for (const id of ["a", "a", "b"]) assertEquals(await bench.run(worker), id);
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await bench.send("ZCARD", "rq:rl:key:allowed"), 0);
});

Deno.test("one that is repeated later gives it to the next one, and its place at the head of the queue is not lost", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const limit = { rate_limit_key: "key", rate_limit_concurrency: 1 };
  const repeats = { repeats_left: 1, repeat_intervals: "[600]" };
  const fields = { ...limit, ...repeats, enqueue_at_front: 1 };
  await bench.add("a", { fields, atFront: true });
  await bench.add("b", { fields: limit });
  assertEquals(await bench.run(worker), "a");
  assertEquals(await bench.status("a"), "scheduled");
  assertEquals(await bench.run(worker), "b");
  await bench.add("c");
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  assertEquals(await bench.queued(), ["a", "c"]);
  assertEquals(await bench.run(worker), "a");
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await bench.send("ZCARD", "rq:rl:key:allowed"), 0);
});

/** Ends a job with more dependents than one call releases; a worker that is killed releases no more than one call does. */
async function endWithMany(
  bench: Bench,
  worker: WorkerIdentity,
  ttl: number,
  isKilled: boolean,
): Promise<void> {
  const fields = { repeats_left: 1, repeat_intervals: "[600]" };
  await bench.add("a", { fields });
  const execution = await bench.claim(worker);
  const ids = Array.from({ length: 250 }, (_, i) => `c${i}`);
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { dependsOn: ["a"] })),
  );
  if (isKilled) {
    const killed = { ...ENDING, ttl };
    const store = new WorkerStore(dying(bench), bench.keys);
    await endOne(store, worker, execution, killed).catch(() => undefined);
    assertEquals(await bench.status("a"), "finished", "until all are released");
    return;
  }
  await bench.end(worker, execution, { ttl });
}

/** A client that dies at its second script. */
function dying(bench: Bench): Bench["client"] {
  let ended = false;
  return {
    ...echoing(bench.client, () => {}),
    send(command, args, options) {
      if (ended) return Promise.reject(new Error("killed"));
      ended = options?.source !== undefined;
      return bench.client.send(command, args, options);
    },
  };
}

Deno.test.each([[500, false], [0, false], [500, true], [0, true]] as const)(
  "a job with very many dependents, kept for %i seconds, is repeated when all are released; its worker is killed meanwhile: %s",
  async (ttl, isKilled) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await endWithMany(bench, worker, ttl, isKilled);
    await bench.sweeps.releaseHeld();
    assertEquals((await bench.queued()).length, 250);
    assertEquals(await bench.status("a"), "scheduled");
    assertEquals(await bench.members("rq:scheduled:q"), ["a"]);
    assertEquals(await bench.members("rq:finished:q"), []);
    assertEquals(await bench.field("a", "repeats_left"), "0");
    assertEquals(await bench.ttl("rq:job:a"), -1);
    assertEquals(await bench.send("EXISTS", "rq:x_releasing"), 0);
  },
);

Deno.test("an end whose job cannot be repeated, since a key holds another type, changes nothing until that is mended", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { repeats_left: 1, repeat_intervals: "[600]" };
  await bench.add("a", { fields });
  const execution = await bench.claim(worker);
  await bench.send("SET", "rq:scheduled:q", "text");
  const before = await bench.dumpOfJobs();
  assertEquals(await bench.end(worker, execution), "stuck");
  assertEquals(await bench.dumpOfJobs(), before);
  await bench.send("DEL", "rq:scheduled:q");
  assertEquals(await bench.end(worker, execution), "finished");
  assertEquals(await bench.status("a"), "scheduled");
});

Deno.test.each<[string, string, string]>([
  ["", "[5]", "finished"],
  ["0", "[5]", "finished"],
  ["-3", "[5]", "finished"],
  ["many", "[5]", "finished"],
  ["nan", "[5]", "finished"],
  ["1", "", "queued"],
  ["1", "no json", "queued"],
  ["1", "7", "queued"],
  ["1", "{}", "queued"],
  ["1", "[]", "queued"],
  ["1", '["x", null]', "queued"],
  ["1", "[-5, 1]", "queued"],
  ["1.5", "[1e999, 1e999]", "scheduled"],
  ["1e999", "[nan, 5]", "queued"],
  ["99999999999999999999999", '[0, "7", {}]', "queued"],
])(
  "a job with repeats_left %j and repeat_intervals %j is %s after a success",
  async (repeats_left, repeat_intervals, expected) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: { repeats_left, repeat_intervals } });
    await bench.add("b");
    const execution = await bench.claim(worker);
    assertEquals(await bench.end(worker, execution), "finished");
    assertEquals(await bench.status("a"), expected);
  },
);
