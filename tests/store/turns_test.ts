/** Fair keys: who has the turn, who is next, and that none is lost. */

import { assert, assertEquals } from "@std/assert";
import { FAIR_CONCURRENCY, fairLimit } from "../../lib/job/fair_key.ts";
import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { FINISH } from "../../lib/store/scripts/finish.ts";
import { SETTLE } from "../../lib/store/scripts/settle.ts";
import type { WorkerIdentity } from "../../lib/store/worker_types.ts";
import { type AddOptions, Bench, newJob } from "./support.ts";

/** Options of a job with a fair key. */
function fair(
  key: string,
  fields: Partial<Record<JobField, RedisArg>> = {},
): AddOptions {
  return {
    fields: {
      x_fair_key: key,
      rate_limit_key: fairLimit("q", key),
      rate_limit_concurrency: FAIR_CONCURRENCY,
      ...fields,
    },
  };
}

/** Jobs `a1`, `a2`, … of the key `a`, and so on: `a3 b2` are three and two. */
async function addAll(bench: Bench, text: string): Promise<void> {
  for (const [, key = "", count] of text.matchAll(/([a-z])(\d+)/g)) {
    const ids = Array.from(
      { length: Number(count) },
      (_, i) => `${key}${i + 1}`,
    );
    await bench.jobs.enqueueMany(ids.map((id) => newJob(id, fair(key))));
  }
}

/** The ids on the queue's list. */
async function onList(bench: Bench): Promise<string> {
  const ids = await bench.send("LRANGE", "rq:queue:q", 0, -1);
  return (ids as string[]).join(" ");
}

/** The order in which so many claims take jobs. */
async function claimed(
  bench: Bench,
  worker: WorkerIdentity,
  count: number,
): Promise<string> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await bench.claim(worker)).job.id);
  }
  return ids.join(" ");
}

/** Every key that has to do with turns. */
async function turnKeys(bench: Bench): Promise<string[]> {
  return (await bench.allKeys()).filter((key) => /fair|rl/.test(key));
}

Deno.test("keys take turns, and jobs of one key keep their order", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a4 b1 c2");
  assertEquals(await onList(bench), "a1 b1 c1");
  assertEquals(await claimed(bench, worker, 7), "a1 b1 c1 a2 c2 a3 a4");
  assertEquals(await turnKeys(bench), []);
});

Deno.test("one claim of many takes them in the same order", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a9 b2 c1");
  const { executions } = await bench.workers.claim(worker, { jobs: 10 });
  const ids = executions.map(({ job }) => job.id).join(" ");
  assertEquals(ids, "a1 b1 c1 a2 b2 a3 a4 a5 a6 a7");
  assertEquals(await onList(bench), "a8");
});

Deno.test("of a tenant with 100,000 jobs, one starts before another's only job", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (let from = 0; from < 100_000; from += 10_000) {
    const ids = Array.from({ length: 10_000 }, (_, i) => `a${from + i}`);
    const jobs = ids.map((id) => newJob(id, { isIdNew: true, ...fair("a") }));
    await bench.jobs.enqueueMany(jobs);
  }
  await bench.add("b", fair("b"));
  assertEquals(await bench.jobs.count("q"), 100_001);
  assertEquals(await claimed(bench, worker, 4), "a0 b a1 a2");
});

Deno.test("jobs without a key stand in the list as ever", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p1");
  await addAll(bench, "a3");
  await bench.add("p2");
  await bench.add("p3");
  assertEquals(await claimed(bench, worker, 6), "p1 a1 p2 p3 a2 a3");
});

Deno.test("a job that waits for its turn is what RQ calls rate limited, and the queue counts and lists it", async () => {
  await using bench = await Bench.open();
  assertEquals((await bench.add("a1", fair("a"))).status, "queued");
  assertEquals((await bench.add("a2", fair("a"))).status, "rate_limited");
  const limit = "rq:rl:x_fair:1:q:a";
  assertEquals(await turnKeys(bench), [
    "rq:rl-keys",
    limit,
    `${limit}:allowed`,
    `${limit}:rate_limited`,
    "rq:x_fair:q",
  ]);
  assertEquals(await bench.send("HGETALL", limit), ["concurrency", "10"]);
  await addAll(bench, "b3 c1");
  await bench.add("p");
  assertEquals(await bench.jobs.count("q"), 7);
  const all = ["a1", "b1", "c1", "p", "a2", "b2", "b3"];
  assertEquals(await bench.jobs.jobIds("q", 0, -1), all);
  for (let from = 0; from < 9; from++) {
    for (let length = 0; length < 9; length++) {
      const ids = await bench.jobs.jobIds("q", from, length);
      assertEquals(ids, all.slice(from, from + length), `${from} ${length}`);
    }
    assertEquals(await bench.jobs.jobIds("q", from, -1), all.slice(from));
  }
});

Deno.test("at the front, a job is the next one of its key, and of no other", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a2 b1");
  await bench.add("a0", { ...fair("a"), atFront: true });
  await bench.add("c1", { ...fair("c"), atFront: true });
  assertEquals(await claimed(bench, worker, 5), "a1 b1 c1 a0 a2");
});

Deno.test("what is canceled, deleted or taken off while it has the turn gives it on", async () => {
  await using bench = await Bench.open();
  await addAll(bench, "a6");
  await bench.jobs.cancel("a1");
  assertEquals(await onList(bench), "a2");
  await bench.jobs.delete("a2");
  assertEquals(await onList(bench), "a3");
  assert(await bench.jobs.remove("q", "a3"));
  assertEquals(await onList(bench), "a4");
  assert(!await bench.jobs.remove("q", "a3"));
  await bench.jobs.cancel("a5");
  assertEquals(await bench.jobs.jobIds("q", 0, -1), ["a4", "a6"]);
  assert(await bench.jobs.remove("q", "a6"));
  assertEquals(await bench.status("a6"), "rate_limited");
  assertEquals(await bench.jobs.count("q"), 1);
  await bench.jobs.delete("a4");
  assertEquals(await turnKeys(bench), []);
});

Deno.test("an emptied queue has nobody who waits, a deleted one neither, though its jobs stay", async () => {
  await using bench = await Bench.open();
  await addAll(bench, "a50 b7");
  await bench.add("p");
  assertEquals(await bench.jobs.empty("q"), 58);
  assertEquals(await bench.allKeys(), ["rq:queues"]);
  await addAll(bench, "a50 b7");
  await bench.jobs.deleteQueue("q");
  assertEquals(await bench.jobs.count("q"), 0);
  assertEquals(await turnKeys(bench), []);
  assertEquals(await bench.status("a50"), "rate_limited");
});

Deno.test("a job that is put back keeps its turn at the head, and the next one of its key stays behind", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a3 b1");
  const execution = await bench.claim(worker);
  await bench.end(worker, execution, { outcome: "requeued" });
  assertEquals(await claimed(bench, worker, 4), "a1 b1 a2 a3");
});

Deno.test("a retry waits for the turn of its key", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a1", fair("a", { retries_left: 1 }));
  await addAll(bench, "b1");
  await bench.add("a2", fair("a"));
  await bench.add("a3", fair("a"));
  assertEquals(
    await bench.end(worker, await bench.claim(worker), { outcome: "failed" }),
    "retried",
  );
  assertEquals(await claimed(bench, worker, 4), "b1 a2 a3 a1");
});

Deno.test("a plain success with a fair key is recorded as fast as any", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a2");
  for (const id of ["a1", "a2"]) {
    const execution = await bench.claim(worker);
    await bench.end(worker, execution, { hadHeartbeat: false });
    assertEquals(await bench.status(id), "finished");
  }
  assertEquals(
    await bench.send("SCRIPT", "EXISTS", FINISH.sha, SETTLE.sha),
    [1, 0],
  );
});

Deno.test("the turn of a job that a Python worker has started, or that is gone, is given on by a pass", async () => {
  await using bench = await Bench.open();
  await addAll(bench, "a4 b2");
  const list = ["rq:queue:q", "rq:queue:q:intermediate", "LEFT", "RIGHT"];
  await bench.send("LMOVE", ...list);
  assertEquals(await bench.sweeps.passTurns("q", "0"), {
    cursor: "0",
    passed: 0,
    waiting: 4,
  });
  await bench.send("LREM", "rq:queue:q:intermediate", 1, "a1");
  await bench.send("HSET", "rq:job:a1", "status", "started");
  await bench.send("DEL", "rq:job:b1");
  assertEquals((await bench.sweeps.passTurns("q", "0")).passed, 2);
  assertEquals((await bench.queued()).sort(), ["a2", "a3", "a4", "b1", "b2"]);
  // taken off by RQ's queue.remove(), which says no word
  assertEquals(await bench.send("LREM", "rq:queue:q", 1, "a2"), 1);
  assertEquals((await bench.workers.passTurns(["q", "other"])).passed, 1);
  assertEquals(await onList(bench), "b1 b2 a3");
  assertEquals(await claimed(bench, await bench.worker(), 3), "b2 a3 a4");
  assertEquals(await bench.sweeps.passTurns("q", "0"), {
    cursor: "0",
    passed: 0,
    waiting: 0,
  });
  assertEquals(await turnKeys(bench), []);
});

Deno.test("a job with a rate limit waits for its turn first, and with the turn for a slot", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const limited = (key: string) =>
    fair(key, { rate_limit_key: "k", rate_limit_concurrency: 2 });
  const ids = ["a1", "a2", "a3", "a4", "b1", "c1", "c2"];
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, limited(id.slice(0, 1)))),
  );
  await bench.add("p", {
    fields: { rate_limit_key: "k", rate_limit_concurrency: 2 },
  });
  assertEquals(await onList(bench), "a1 b1");
  assertEquals(await bench.jobs.count("q"), 6);
  const order: string[] = [];
  while (order.length < 8) order.push(await bench.run(worker));
  assertEquals(order.join(" "), "a1 b1 c1 p a2 c2 a3 a4");
  await bench.sweeps.cleanLimits();
  assertEquals(await turnKeys(bench), []);
});

Deno.test("keys that hold another type of value keep no job from running", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.send("SET", "rq:x_fair:q", "text");
  await addAll(bench, "a2");
  assertEquals(await claimed(bench, worker, 2), "a1 a2");
  assertEquals(await bench.sweeps.passTurns("q", "0"), {
    cursor: "0",
    passed: 0,
    waiting: 0,
  });
  assertEquals(await bench.jobs.count("q"), 0);
  await bench.jobs.deleteQueue("q");
});

Deno.test("names of queues and keys are told apart, whatever is in them", async () => {
  await using bench = await Bench.open();
  const names = [["q:1", "a"], ["q", "1:a"], ["ü:", "ü"]] as const;
  for (const [i, [queue, key]] of names.entries()) {
    const limit = fairLimit(queue, key);
    await bench.add(`j${i}`, {
      ...fair(key, { rate_limit_key: limit }),
      queue,
    });
    assertEquals(await bench.status(`j${i}`), "queued");
    assertEquals(await bench.members(bench.keys.fair(queue)), [limit]);
  }
});

Deno.test("a job need not wait for one that a Python worker has started", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a1", fair("a"));
  await bench.send("LPOP", "rq:queue:q");
  await bench.send("HSET", "rq:job:a1", "status", "started");
  await addAll(bench, "b2");
  assertEquals((await bench.add("a2", fair("a"))).status, "queued");
  assertEquals((await bench.add("a3", fair("a"))).status, "rate_limited");
  assertEquals(await claimed(bench, worker, 4), "b1 a2 b2 a3");
});

Deno.test("where Python has given the turn to some jobs of a key, they are one again by and by", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAll(bench, "a5 b3");
  const limit = "rq:rl:x_fair:1:q:a";
  for (const id of ["a2", "a3"]) { // as RQ's script does at the end of a job
    await bench.send("ZREM", `${limit}:rate_limited`, id);
    await bench.send("ZADD", `${limit}:allowed`, 1_700_000_000, id);
    await bench.send("HSET", `rq:job:${id}`, "status", "queued");
    await bench.send("RPUSH", "rq:queue:q", id);
  }
  assertEquals(await onList(bench), "a1 b1 a2 a3");
  assertEquals(await claimed(bench, worker, 8), "a1 b1 a2 a3 b2 a4 b3 a5");
});

Deno.test("an emptied queue has nobody who waits for the turn of a job that runs, or that waits for a slot", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const limit = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  await bench.add("slot", { fields: limit });
  await bench.claim(worker);
  for (let i = 1; i <= 100; i++) await bench.add(`a${i}`, fair("a", limit));
  await bench.add("b1", fair("b"));
  await bench.send("LPOP", "rq:queue:q");
  await bench.send("HSET", "rq:job:b1", "status", "started"); // by Python
  await bench.add("b2", fair("b"));
  await bench.add("b3", fair("b"));
  assertEquals(await bench.jobs.count("q"), 101);
  assertEquals(await bench.jobs.empty("q"), 101);
  assertEquals(await bench.jobs.count("q"), 0);
  assertEquals(await bench.status("a1"), "rate_limited"); // as other jobs that wait for a slot
  assertEquals(await bench.status("a2"), null);
  assertEquals(await bench.status("b3"), null);
});
