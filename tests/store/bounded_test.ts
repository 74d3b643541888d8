/** No script keeps Redis from others for long, however much is stored. Bounds are generous: it is the order of magnitude that counts. */

import { assert, assertEquals } from "@std/assert";
import { cancelGroup, deleteGroup } from "../../lib/store/group_store.ts";
import { list, texts } from "../../lib/store/replies.ts";
import { childOf } from "./edges.ts";
import { sized } from "../support/long.ts";
import { ALL_CALLS, counts, create } from "./groups.ts";
import { Bench, newJob } from "./support.ts";
import { PARTS_AT_ONCE } from "../../lib/job/parts.ts";
import { LEAST_KEPT, MOST_STEPS } from "../../lib/job/steps.ts";
import { emit } from "../../lib/store/parts.ts";
import { keepStep, signal } from "../../lib/store/steps.ts";

/** Makes a million queued ids in some hundred milliseconds. */
const MILLION = `
for i = 1, 1000 do
  local ids = {}
  for k = 1, 1000 do ids[k] = 'job-' .. i .. '-' .. k end
  redis.call('RPUSH', KEYS[1], unpack(ids))
end`;

/** Milliseconds of the slowest script since the last look. */
async function slowest(bench: Bench): Promise<number> {
  const log = list(await bench.send("SLOWLOG", "GET", 1_000));
  const scripts = log.filter((entry) => {
    const words = texts(list(entry)[3] ?? null);
    return words[0] === "EVALSHA" || words[0] === "EVAL";
  });
  await bench.send("SLOWLOG", "RESET");
  return Math.max(0, ...scripts.map((entry) => Number(list(entry)[2]) / 1_000));
}

async function prepared(): Promise<Bench> {
  const bench = await Bench.open();
  await bench.send("CONFIG", "SET", "slowlog-max-len", 10_000);
  await bench.send("CONFIG", "SET", "slowlog-log-slower-than", 0);
  return bench;
}

async function million(bench: Bench, id = "a"): Promise<void> {
  await bench.send("EVAL", MILLION, 1, "rq:queue:q");
  await bench.add(id, { atFront: true });
  await slowest(bench);
}

async function assertFast(bench: Bench, most = 2_000): Promise<void> {
  const ms = await slowest(bench);
  assert(ms < most, `the slowest script took ${ms} ms`);
}

Deno.test("a claim in front of a million ids is quick", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await million(bench);
  await bench.run(worker);
  await assertFast(bench);
});

Deno.test("a claim that has to skip a hundred of a million gone ids is quick", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await million(bench);
  await bench.run(worker);
  await slowest(bench);
  const { kind, skipped } = await bench.tryClaim(worker);
  assertEquals([kind, skipped.length], ["more", 100]);
  await assertFast(bench);
});

Deno.test("enqueueing behind a million ids is quick", async () => {
  await using bench = await prepared();
  await million(bench);
  await bench.add("z");
  await assertFast(bench);
});

Deno.test("enqueueing a thousand jobs at once goes in short steps", async () => {
  await using bench = await prepared();
  await million(bench);
  const ids = Array.from({ length: 1_000 }, (_, i) => `new-${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id)));
  await assertFast(bench, 100);
});

Deno.test("canceling and deleting the last of a million jobs takes no longer than a walk over the list", async () => {
  await using bench = await prepared();
  await million(bench);
  await bench.add("z");
  await bench.add("y");
  await slowest(bench);
  await bench.jobs.cancel("z");
  await bench.jobs.delete("y");
  await assertFast(bench);
});

Deno.test("a pass of the sweep over a thousand abandoned jobs is quick", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => bench.add(`job-${i}`)),
  );
  const { executions } = await bench.workers.claim(worker, { jobs: 1_000 });
  for (const execution of executions) await bench.expire(execution);
  await slowest(bench);
  assertEquals((await bench.sweep()).requeued.length, 1_000);
  await assertFast(bench);
});

Deno.test("emptying a queue of ten thousand jobs goes in short steps", async () => {
  await using bench = await prepared();
  await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => bench.add(`job-${i}`)),
  );
  await slowest(bench);
  assertEquals(await bench.jobs.empty("q"), 10_000);
  assertEquals(await bench.allKeys(), ["rq:queues"]);
  await assertFast(bench);
});

Deno.test("ending the parent of 2,000 jobs goes in short steps", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await bench.add("p");
  for (let i = 0; i < 2_000; i++) {
    await bench.add(`c${i}`, { dependsOn: ["p"] });
  }
  await slowest(bench);
  await bench.run(worker);
  assertEquals((await bench.queued()).length, 2_000);
  await assertFast(bench);
});

Deno.test.each([["fail"], ["cancel"]] as const)(
  'a parent whose 10,000 dependents "%s" with it ends them in short steps',
  async (policy) => {
    await using bench = await prepared();
    const worker = await bench.worker();
    await bench.add("p");
    const ids = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
    const child = childOf("p", policy);
    await bench.jobs.enqueueMany(ids.map((id) => newJob(id, child)));
    await slowest(bench);
    await bench.run(worker, { outcome: "failed" });
    assertEquals(await bench.send("EXISTS", "rq:deferred:q"), 0);
    await assertFast(bench, 200);
  },
);

Deno.test("a hundred ends in one call are quick, also where each has to do a lot", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  for (let i = 0; i < 100; i++) {
    await bench.add(`job-${i}`);
    for (let k = 0; k < 5; k++) {
      await bench.add(`child-${i}-${k}`, { dependsOn: [`job-${i}`] });
    }
  }
  const { executions } = await bench.workers.claim(worker, { jobs: 100 });
  await bench.workers.heartbeat(worker, 480, executions);
  await slowest(bench);
  await Promise.all(
    executions.map((execution) => bench.end(worker, execution)),
  );
  assertEquals((await bench.queued()).length, 500);
  await assertFast(bench, 200);
});

const MEMBERS = sized(10_000, 100_000);

Deno.test(`a group of ${MEMBERS} members is filled, counted, canceled, cleaned and deleted in short steps`, async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await create(bench, "g", { calls: ALL_CALLS });
  const fields = { group_id: "g" };
  for (let from = 0; from < MEMBERS; from += 1_000) {
    await bench.jobs.enqueueMany(
      Array.from(
        { length: 1_000 },
        (_, i) => newJob(`job-${from + i}`, { fields, isIdNew: true }),
      ),
    );
  }
  for (let i = 0; i < 10; i++) await bench.run(worker);
  assertEquals(await bench.sweeps.tendGroups(), 0, "its time has not come");
  await bench.send("ZADD", bench.keys.openGroups, 1, "g");
  assertEquals(await bench.sweeps.tendGroups(), 1);
  await cancelGroup(bench.jobs, "g");
  assertEquals(
    await counts(bench, "g"),
    `total ${MEMBERS}, finished 10, canceled ${MEMBERS - 10} (complete)`,
  );
  await bench.send("DEL", "rq:job:job-0", "rq:job:job-1");
  await bench.sweeps.cleanGroups();
  assert(await deleteGroup(bench.jobs, "g", false));
  await assertFast(bench, 100);
});

Deno.test("storing a result of 10 MB costs Redis little more than taking it in", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await slowest(bench);
  await bench.end(worker, execution, { payload: "A".repeat(10_000_000) });
  await assertFast(bench);
});

/** Makes `ARGV[2]` jobs of each of `ARGV[1]` fair keys that wait for their turn. */
const FAIR = `
for k = 1, ARGV[1] do
  local limit = 'x_fair:1:q:t' .. k
  redis.call('SADD', 'rq:x_fair:q', limit)
  for i = 1, ARGV[2] do
    local id = k .. '-' .. i
    redis.call('HSET', 'rq:job:' .. id, 'data', 'x', 'status', 'rate_limited', 'origin', 'q', 'rate_limit_key', limit,
      'rate_limit_concurrency', 10, 'x_fair_key', 't' .. k)
    redis.call('ZADD', 'rq:rl:' .. limit .. ':rate_limited', i, id)
  end
end`;

/** Everything that is done with a queue whose jobs take turns. */
async function takeTurns(bench: Bench): Promise<void> {
  const worker = await bench.worker();
  const cursors = new Set<string>();
  for (let cursor = "0"; !cursors.has(cursor);) {
    cursors.add(cursor);
    cursor = (await bench.sweeps.passTurns("q", cursor)).cursor;
    if (cursors.size === 20) break;
  }
  const { executions } = await bench.workers.claim(worker, {
    jobs: 50,
    prefetch: 50,
  });
  assertEquals(executions.length, 100);
  for (const execution of executions) await bench.end(worker, execution);
  await bench.jobs.cancel(executions[0]!.job.id);
  const [next = ""] = await bench.jobs.jobIds("q", 0, 1);
  await bench.jobs.delete(next);
  assert(await bench.jobs.count("q") > 99_000);
  await bench.jobs.jobIds("q", 5_000, 50);
  const ids = Array.from({ length: 50 }, (_, i) => `new-${i}`);
  const fields = { x_fair_key: "t1", rate_limit_key: "x_fair:1:q:t1" };
  await bench.jobs.enqueueMany(
    ids.map((id) =>
      newJob(id, { fields: { ...fields, rate_limit_concurrency: 10 } })
    ),
  );
}

Deno.test.each([[1, 100_000], [100_000, 1], [100, 1_000]])(
  "turns of %d keys with %d jobs each are given on in short steps",
  async (keys, jobs) => {
    await using bench = await prepared();
    await bench.send("EVAL", FAIR, 0, keys, jobs);
    await slowest(bench);
    await takeTurns(bench);
    await assertFast(bench, 100);
    await bench.jobs.deleteQueue("q");
    assertEquals(await bench.jobs.count("q"), 0);
    await assertFast(bench, 100);
  },
);

Deno.test("a key whose waiting jobs have all expired is passed over in short steps", async () => {
  await using bench = await prepared();
  await bench.send("EVAL", FAIR, 0, 100, 300);
  for (let k = 1; k <= 100; k++) {
    const ids = Array.from({ length: 299 }, (_, i) => `rq:job:${k}-${i + 1}`);
    await bench.send("DEL", ...ids);
  }
  await slowest(bench);
  let passes = 0;
  while (await bench.send("LLEN", "rq:queue:q") !== 100) {
    assert(passes++ < 400);
    await bench.workers.passTurns(["q"]);
  }
  await assertFast(bench, 100);
});

Deno.test("a job with as many steps as there may be is claimed, repeated and woken quickly", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await bench.add("a", {
    fields: { repeats_left: 1, repeat_intervals: "[9]" },
  });
  const first = await bench.claim(worker);
  const value = "x".repeat(LEAST_KEPT - 20);
  for (let i = 0; i < MOST_STEPS; i++) {
    await keepStep(bench.workers, first, `step ${i}`, value);
  }
  const payload = JSON.stringify({ at: null, signals: ["go"] });
  await bench.end(worker, first, { outcome: "asleep", payload });
  // room for a signal
  await bench.send("HINCRBY", "rq:job:a", "x_steps", -LEAST_KEPT);
  await signal(bench.jobs, "a", "go", "1");
  await bench.end(worker, await bench.claim(worker));
  assertEquals(await bench.field("a", "x_steps"), null);
  await assertFast(bench);
});

Deno.test("as many parts as go in one call are added quickly", async () => {
  await using bench = await prepared();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const parts = Array<string>(PARTS_AT_ONCE).fill(`"some words"`);
  await emit(bench.workers, execution, { from: 0, parts, ttl: 60 });
  await assertFast(bench);
});
