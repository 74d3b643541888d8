/** Windows of rate limits: how many jobs start within a time, when the next one may, and what becomes of those that wait. */

import { assert, assertEquals } from "@std/assert";
import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { texts } from "../../lib/store/replies.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { type AddOptions, Bench, newJob, sweepAll } from "./support.ts";
import { random } from "../support/random.ts";

const ALLOWED = "rq:rl:k:allowed";
const WAITING = "rq:rl:k:rate_limited";
const STARTS = "rq:rl:k:x_starts";
const LOOKS = "rq:x_looks:q";

/** So many seconds are no test's length. */
const PER = 600;

/** A job that may be one of so many that start within {@linkcode PER}. */
function within(
  limit: number,
  fields: Partial<Record<JobField, RedisArg>> = {},
): AddOptions {
  const rule = { rate_limit_key: "k", x_rate_starts: limit, x_rate_per: PER };
  return { fields: { ...rule, ...fields } };
}

async function addAll(
  bench: Bench,
  ids: readonly string[],
  options: AddOptions,
): Promise<void> {
  for (const id of ids) await bench.add(id, options);
}

async function waiting(bench: Bench): Promise<string[]> {
  return texts(await bench.send("ZRANGE", WAITING, 0, -1));
}

/** The starts that are noted, and the jobs that are let through and have not started. */
async function starts(bench: Bench): Promise<[string[], string[]]> {
  const [begun, held] = await Promise.all([
    bench.send("ZRANGEBYSCORE", STARTS, "-inf", "(+inf"),
    bench.send("ZRANGEBYSCORE", STARTS, "+inf", "+inf"),
  ]);
  return [texts(begun).map((member) => member.split(":")[0]!), texts(held)];
}

/** Lets so many seconds pass for the window. */
async function pass(bench: Bench, seconds: number): Promise<void> {
  for (const key of [STARTS, LOOKS]) {
    const all = await bench.send("ZRANGE", key, 0, -1, "WITHSCORES");
    const flat = texts(all);
    for (let i = 0; i + 1 < flat.length; i += 2) {
      if (flat[i + 1] === "inf") continue;
      await bench.send("ZADD", key, Number(flat[i + 1]) - seconds, flat[i]!);
    }
  }
}

Deno.test("so many jobs start within a window, the others wait for it in RQ's place", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "c", "d"], within(2));
  assertEquals(await bench.queued(), ["a", "b"]);
  assertEquals(await waiting(bench), ["c", "d"]);
  assertEquals(await bench.status("c"), "rate_limited");
  await bench.run(worker);
  await bench.run(worker);
  assertEquals(
    await bench.queued(),
    [],
    "ended jobs have started all the same",
  );
  assertEquals(await bench.send("HGETALL", "rq:rl:k"), [
    ...["x_concurrency", "", "x_starts", "2", "x_per", `${PER}`],
  ]);
  await pass(bench, PER);
  assertEquals((await bench.sweeps.lookAtLimits("q")).moved, 2);
  assertEquals(await bench.queued(), ["c", "d"]);
});

Deno.test("a window begins anywhere: each start makes room once it is out of it, and not all at a border", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "x", "c", "d", "e"], within(2));
  await bench.send("DEL", "rq:job:x"); // expired
  await bench.run(worker);
  await pass(bench, PER / 2);
  await bench.run(worker);
  await pass(bench, PER / 2);
  const { moved, nextMs } = await bench.sweeps.lookAtLimits("q");
  assertEquals(moved, 1, "a is out of the window, b is not");
  assertEquals(await bench.queued(), ["c"]);
  assert(nextMs > PER * 450 && nextMs <= PER * 500, `${nextMs}`);
});

Deno.test("jobs that nobody takes are no starts, and do not pile up on the queue either", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "c", "d"], within(2));
  await pass(bench, 10 * PER);
  await bench.sweeps.lookAtLimits("q");
  await bench.sweeps.cleanLimits();
  assertEquals(await bench.queued(), ["a", "b"]);
  await bench.run(worker);
  await bench.run(worker);
  assertEquals(await starts(bench), [["a", "b"], []]);
  await bench.sweeps.cleanLimits();
  assertEquals(await waiting(bench), ["c", "d"]);
});

Deno.test("a job that is canceled before it has started leaves its start to the next one", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "c"], within(1));
  await bench.jobs.cancel("a");
  assertEquals(await bench.queued(), ["b"]);
  await bench.run(worker);
  await bench.jobs.cancel("b");
  assertEquals(await bench.queued(), []);
  assertEquals(await waiting(bench), ["c"]);
});

Deno.test("a job may be limited by slots and by a window, and waits for both", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const both = within(2, { rate_limit_concurrency: 1 });
  await addAll(bench, ["a", "b", "c"], both);
  assertEquals(await bench.queued(), ["a"]);
  await bench.run(worker);
  assertEquals(await bench.queued(), ["b"], "the slot is free");
  const execution = await bench.claim(worker);
  await pass(bench, PER);
  assertEquals((await bench.sweeps.lookAtLimits("q")).moved, 0);
  await bench.end(worker, execution);
  assertEquals(await bench.queued(), ["c"]);
  // RQ's workers fill no slots of such a limit, since they know of no window
  await bench.send("HSET", "rq:rl:k", "concurrency", 1); // by one of RQ's producers
  await bench.add("d", both);
  assertEquals(await bench.send("HGET", "rq:rl:k", "concurrency"), null);
});

Deno.test("a retry at once is a start, and waits for the window at the head of those that wait", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", within(1, { retries_left: 1 }));
  await bench.add("b", within(1));
  await bench.run(worker, { outcome: "failed" });
  const { kind, skipped } = await bench.tryClaim(worker);
  assertEquals(kind, "empty");
  assertEquals(skipped.map(({ reason }) => reason), ["over its limit"]);
  assertEquals(await bench.status("a"), "rate_limited");
  assertEquals(await waiting(bench), ["a", "b"]);
  assertEquals(await bench.members(ALLOWED), []);
  await pass(bench, PER);
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await bench.run(worker), "a");
});

Deno.test("what RQ puts on the queue past the window waits when a worker takes it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "c"], within(1));
  await bench.run(worker);
  await bench.send("ZREM", WAITING, "b");
  await bench.send("HSET", "rq:job:b", "status", "queued");
  await bench.send("RPUSH", "rq:queue:q", "b");
  assertEquals((await bench.tryClaim(worker)).kind, "empty");
  assertEquals(await bench.status("b"), "rate_limited");
  assertEquals((await waiting(bench)).toSorted(), ["b", "c"]);
});

Deno.test("a job that is prefetched would start later than it counts, so it stays on the queue", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.add("b", within(5));
  await bench.add("c");
  const want = { jobs: 1, prefetch: 5 };
  const { executions } = await bench.workers.claim(worker, want);
  assertEquals(executions.map(({ job }) => job.id), ["a"]);
  assertEquals(await bench.queued(), ["b", "c"]);
  assertEquals(await bench.run(worker), "b");
});

Deno.test("a limit that changes holds at once for those that wait", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b", "c", "d"], within(1));
  await bench.add("e", within(3));
  assertEquals(await bench.queued(), ["a", "b", "c"]);
  for (const _ of "abc") await bench.run(worker);
  await bench.add("f", within(1));
  await pass(bench, PER - 5);
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await bench.queued(), []);
  await pass(bench, 5);
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await bench.queued(), ["d"]);
  // without a window, RQ's slots are left
  const fields = { rate_limit_key: "k", rate_limit_concurrency: 2 };
  await bench.add("g", { fields });
  assertEquals(await bench.queued(), ["d", "e"]);
  assertEquals(await bench.send("HGETALL", "rq:rl:k"), ["concurrency", "2"]);
});

Deno.test("a job that is scheduled changes the limit when it is enqueued, and not when it is due", async () => {
  await using bench = await Bench.open();
  await bench.add("late", { ...within(1), due: "+600" });
  await addAll(bench, ["a", "b", "c"], within(2));
  await bench.send("ZADD", "rq:scheduled:q", 1, "late");
  await bench.sweeps.promoteScheduled("q");
  assertEquals(await bench.queued(), ["a", "b"]);
  assertEquals(await waiting(bench), ["c", "late"]);
  assertEquals(await bench.send("HGET", "rq:rl:k", "x_starts"), "2");
});

Deno.test("more than one call queues are queued by the next ones", async () => {
  await using bench = await Bench.open();
  const many = Array.from({ length: 450 }, (_, i) => `j${i}`);
  await bench.jobs.enqueueMany(many.map((id) => newJob(id, within(1))));
  await bench.add("last", within(10_000));
  assertEquals((await bench.queued()).length, 101);
  assertEquals((await bench.sweeps.lookAtLimits("q")).moved, 350);
  assertEquals(await bench.queued(), [...many, "last"]);
});

Deno.test("a job that expires on its queue makes room when a worker looks, not only when somebody sweeps", async () => {
  await using bench = await Bench.open();
  const slot = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  await bench.add("a", { fields: slot, ttl: 300 });
  await bench.add("b", { fields: slot });
  await bench.add("c", { fields: slot });
  const { nextMs } = await bench.sweeps.lookAtLimits("q");
  assert(nextMs > 290_000 && nextMs < 302_000, `${nextMs}`);
  await bench.send("DEL", "rq:job:a");
  await pass(bench, 302);
  assertEquals((await bench.sweeps.lookAtLimits("q")).moved, 1);
  assertEquals(await bench.queued(), ["a", "b"]);
});

Deno.test("a worker that dies loses no start, and what it ran starts anew within the window", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, ["a", "b"], within(1));
  await bench.expire(await bench.claim(worker));
  await sweepAll(bench.sweeps, "q");
  assertEquals(await bench.queued(), ["a"]);
  assertEquals((await bench.tryClaim(worker)).kind, "empty");
  assertEquals(await waiting(bench), ["a", "b"]);
  await pass(bench, PER);
  await bench.sweeps.cleanLimits();
  assertEquals(await bench.run(worker), "a");
});

Deno.test("the sweep counts what RQ's workers have started, and forgets a limit only after its window", async () => {
  await using bench = await Bench.open();
  await addAll(bench, ["a", "b", "c", "d"], within(3));
  const at = ["started_at", "2026-01-02T03:04:05.000006Z"];
  await bench.send("HSET", "rq:job:a", "status", "started", ...at);
  await bench.send("HSET", "rq:job:b", "status", "finished", ...at);
  await bench.send("DEL", "rq:job:c");
  await bench.sweeps.cleanLimits();
  assertEquals(await starts(bench), [["a", "b"], ["d"]]);
  for (const id of ["a", "b", "d"]) await bench.jobs.delete(id);
  await bench.sweeps.cleanLimits();
  assertEquals(await bench.members("rq:rl-keys"), ["k"]);
  await pass(bench, PER);
  await bench.sweeps.cleanLimits();
  const keys = (await bench.allKeys()).filter((key) => key.includes(":rl"));
  assertEquals(keys, []);
});

Deno.test("keys of another type refuse new jobs, and cost no other job its start", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", within(1));
  await bench.add("b");
  await bench.send("SET", STARTS, "text");
  let refused: unknown;
  await bench.add("c", within(1)).catch((error) => refused = error);
  assert(`${refused}`.includes("holds another type of value"), `${refused}`);
  assertEquals(await bench.run(worker), "a");
  assertEquals(await bench.run(worker), "b");
  await bench.send("SET", LOOKS, "text");
  assertEquals((await bench.sweeps.lookAtLimits("q")).nextMs, Infinity);
});

Deno.test("starts that have left the window are dropped, and what is left of an idle limit expires", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const old = Array.from({ length: 90 }, (_, i) => [i, `old${i}:e`]).flat();
  await bench.send("ZADD", STARTS, ...old);
  await bench.add("a", within(1));
  await bench.run(worker);
  assertEquals(await starts(bench), [["a"], []]);
  const ttl = await bench.ttl(STARTS);
  assert(ttl >= PER && ttl <= PER + 3_600, `${ttl}`);
});

interface Play {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
  readonly pick: (below: number) => number;
  readonly added: string[];
  readonly running: Execution[];
  /** The times of all starts, as of a clock that pass() sets. */
  readonly startedAt: number[];
  clock: number;
}

/** Does one thing that may happen to limited jobs. */
async function act(play: Play, step: number): Promise<void> {
  const { bench, worker, pick, added, running, startedAt } = play;
  const some = added[pick(Math.max(added.length, 1))] ?? "none";
  const end = async (outcome: "finished" | "failed" | "requeued") => {
    const [execution] = running.splice(pick(Math.max(running.length, 1)), 1);
    if (execution) await bench.end(worker, execution, { outcome });
  };
  switch (pick(10)) {
    case 0:
    case 1:
    case 2: {
      const retry = { retries_left: pick(2), retry_intervals: "[0]" };
      const slots = { rate_limit_concurrency: 2 };
      added.push(`j${step}`);
      await bench.add(`j${step}`, within(3, { ...retry, ...slots }));
      break;
    }
    case 3:
    case 4: {
      const { executions } = await bench.workers.claim(worker, { jobs: 2 });
      for (const execution of executions) {
        running.push(execution);
        startedAt.push(play.clock);
      }
      break;
    }
    case 5:
      await end("finished");
      break;
    case 6:
      await end("failed");
      break;
    case 7:
      await end("requeued");
      break;
    case 8:
      if (pick(2) === 0) await bench.jobs.cancel(some);
      else await bench.jobs.requeue(some, false);
      break;
    default: {
      const seconds = 60 * (1 + pick(6));
      play.clock += seconds;
      await pass(bench, seconds);
      await bench.sweeps.lookAtLimits("q");
    }
  }
}

Deno.test.each([[1], [2], [3], [4]])(
  "whatever happens to jobs, no window has more starts than its limit, and nobody waits without a reason (%i)",
  async (seed) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const play: Play = {
      bench,
      worker,
      pick: random(seed),
      added: [],
      running: [],
      startedAt: [],
      clock: 0,
    };
    for (let step = 0; step < 250; step++) {
      await act(play, step);
      const recent = play.startedAt.filter((at) => at > play.clock - PER);
      const [[...begun], held] = await starts(bench);
      const counted = recent.length + held.length;
      assert(counted <= 3, `step ${step}: ${counted} starts in a window`);
      const slots = (await bench.members(ALLOWED)).length;
      const isFree = slots < 2 && counted < 3;
      if (isFree) assertEquals(await waiting(bench), [], `step ${step}`);
      assert(begun.length >= recent.length, `step ${step}: starts are lost`);
    }
    assert(play.startedAt.length > 10, `${play.startedAt.length} starts`);
  },
);
