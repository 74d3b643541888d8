/** What scripts tell those who watch. */

import { assert, assertEquals } from "@std/assert";
import { JobStore } from "../../lib/store/job_store.ts";
import { list, texts } from "../../lib/store/replies.ts";
import { lookAtJob, watch } from "../../lib/store/events.ts";
import { MOST_EVENTS, MOST_IDS } from "../../lib/store/lua/events.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type { WorkerIdentity } from "../../lib/store/worker_types.ts";
import { sharedPieces } from "../../lib/store/lua/link.ts";
import { partsOf, SCRIPTS } from "./lua.ts";
import { Bench, echoing, endOne, newJob } from "./support.ts";

/** A bench that is watched, with a worker. */
interface Stage {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
}

/** The entries of the stream as texts: `event queue: ids fact=value …`. */
async function told(bench: Bench): Promise<string[]> {
  const entries = list(await bench.send("XRANGE", bench.keys.events, "-", "+"));
  return entries.map((entry) => {
    const [, event, , queue, , jobs, ...facts] = texts(list(entry)[1] ?? null);
    const pairs = facts.flatMap((name, i) =>
      i % 2 ? [] : [` ${name}=${facts[i + 1]}`]
    );
    return `${event} ${queue}: ${jobs}${pairs.join("")}`;
  }).slice(1); // the first one says that somebody watches
}

const LIMITED = { rate_limit_key: "k", rate_limit_concurrency: 1 };

/** What is done, and what is told of it. */
const TOLD: [string, (stage: Stage) => Promise<unknown>, string[]][] = [
  ["enqueueing", ({ bench }) => bench.add("a"), ["queued q: a"]],
  [
    "enqueueing many",
    ({ bench }) => bench.jobs.enqueueMany([newJob("a"), newJob("b")]),
    ["queued q: a b"],
  ],
  ["enqueueing with a time", async ({ bench }) => {
    await bench.add("a", { due: "+100" });
  }, ["scheduled q: a"]],
  ["enqueueing with a parent, which finishes", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.add("b", { dependsOn: ["a"] });
    await bench.run(worker);
  }, [
    "queued q: a",
    "deferred q: b",
    "started q: a worker=w1",
    "finished q: a",
    "queued q: b",
  ]],
  ["waiting for a slot of a limit", async ({ bench, worker }) => {
    for (const id of ["a", "b"]) await bench.add(id, { fields: LIMITED });
    await bench.run(worker);
  }, [
    "rate_limited q: a",
    "queued q: a",
    "rate_limited q: b",
    "started q: a worker=w1",
    "finished q: a",
    "queued q: b",
  ]],
  ["claiming several, of which one finishes", async ({ bench, worker }) => {
    await bench.jobs.enqueueMany([newJob("a"), newJob("b")]);
    const { executions: [first] } = await bench.workers.claim(worker, {
      jobs: 2,
      popped: [],
      mode: "only",
    });
    await bench.end(worker, first!, { hadHeartbeat: false });
  }, [
    "queued q: a b",
    "started q: a b worker=w1",
    "finished q: a worker=w1",
  ]],
  ["a failure", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.run(worker, { outcome: "failed" });
  }, ["queued q: a", "started q: a worker=w1", "failed q: a"]],
  ["a failure with retries left", async ({ bench, worker }) => {
    await bench.add("a", {
      fields: { retries_left: 1, retry_intervals: "[60]" },
    });
    await bench.run(worker, { outcome: "failed" });
  }, ["queued q: a", "started q: a worker=w1", "scheduled q: a"]],
  ["a result that is not kept", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.run(worker, { ttl: 0 });
  }, [
    "queued q: a",
    "started q: a worker=w1",
    "finished q: a",
    "deleted q: a",
  ]],
  ["going back to the queue", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.run(worker, { outcome: "requeued" });
  }, ["queued q: a", "started q: a worker=w1", "queued q: a"]],
  ["recovering", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.expire(await bench.claim(worker));
    await bench.sweep();
  }, ["queued q: a", "started q: a worker=w1", "queued q: a"]],
  ["canceling, and requeueing what has failed", async ({ bench, worker }) => {
    await bench.add("a");
    await bench.jobs.cancel("a");
    await bench.add("b");
    await bench.run(worker, { outcome: "failed" });
    await bench.jobs.requeue("b", false);
  }, [
    "queued q: a",
    "canceled q: a",
    "queued q: b",
    "started q: b worker=w1",
    "failed q: b",
    "queued q: b",
  ]],
  ["deleting, and emptying a queue", async ({ bench }) => {
    await bench.add("a");
    await bench.add("b");
    await bench.jobs.delete("a");
    await bench.jobs.empty("q");
  }, ["queued q: a", "queued q: b", "deleted q: a", "deleted q: b"]],
  ["becoming due", async ({ bench }) => {
    await bench.add("a", { due: "+100" });
    await bench.send("ZADD", bench.keys.registry("scheduled", "q"), 1, "a");
    await bench.sweeps.promoteScheduled("q");
  }, ["scheduled q: a", "queued q: a"]],
  ["progress", async ({ bench, worker }) => {
    await bench.add("a");
    const execution = await bench.claim(worker);
    await bench.workers.record(execution, { meta: "{}" });
    await bench.workers.record(execution, {
      x_progress: 0.5,
      x_progress_note: "ü".repeat(150),
    });
  }, [
    "queued q: a",
    "started q: a worker=w1",
    `progress q: a value=0.5 note=${"ü".repeat(99)}…`,
  ]],
];

Deno.test.each(TOLD)(
  "%s is told to those who watch",
  async (_what, act, all) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await watch(bench.jobs);
    await act({ bench, worker });
    assertEquals(await told(bench), all);
  },
);

Deno.test.each(TOLD)(
  "%s writes no event while nobody watches",
  async (_what, act) => {
    await using bench = await Bench.open();
    await act({ bench, worker: await bench.worker() });
    assertEquals(await bench.send("EXISTS", bench.keys.events), 0);
  },
);

Deno.test("a call that is sent again after a lost reply tells nothing again", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await watch(bench.jobs);
  const twice = echoing(bench.client, () => undefined);
  const jobs = new JobStore(twice, bench.keys);
  const workers = new WorkerStore(twice, bench.keys);
  await jobs.enqueueMany([newJob("a"), newJob("b")]);
  for (const outcome of ["finished", "failed"] as const) {
    const { executions: [execution] } = await workers.claim(worker, {
      jobs: 1,
      popped: [],
      mode: "only",
    });
    await endOne(workers, worker, execution!, {
      outcome,
      ttl: 500,
      payload: "",
      workedMs: 1,
      hadHeartbeat: false,
    });
  }
  await jobs.requeue("b", false);
  await jobs.cancel("b");
  await jobs.delete("b");
  assertEquals(await told(bench), [
    "queued q: a b",
    "started q: a worker=w1",
    "finished q: a worker=w1",
    "started q: b worker=w1",
    "failed q: b",
    "queued q: b",
    "canceled q: b",
    "deleted q: b",
  ]);
});

Deno.test("an entry has a bounded number of ids, and the stream of entries", async () => {
  await using bench = await Bench.open();
  await watch(bench.jobs);
  const ids = Array.from({ length: 2 * MOST_IDS + 1 }, (_, i) => `j${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id)));
  await bench.workers.claim(await bench.worker(), {
    jobs: ids.length,
    popped: [],
    mode: "only",
  });
  const entries = (await told(bench)).filter((text) => text.startsWith("st"));
  const parts = entries.map((text) =>
    text.replace(/^started q: | worker=w1$/g, "").split(" ")
  );
  assertEquals(parts.map(({ length }) => length), [MOST_IDS, MOST_IDS, 1]);
  assertEquals(parts.flat(), ids);
  const more = `for i = 1, ${2 * MOST_EVENTS} do
    redis.call('XADD', KEYS[1], '*', 'event', 'x') end`;
  await bench.send("EVAL", more, 1, bench.keys.events);
  await bench.add("last");
  const length = Number(await bench.send("XLEN", bench.keys.events));
  assert(length < MOST_EVENTS + 200, `${length} entries`);
});

Deno.test("events end, and their stream goes, some time after the last look of those who watch", async () => {
  await using bench = await Bench.open();
  const first = await watch(bench.jobs);
  const again = await watch(bench.jobs);
  assertEquals([first.before, again.before], [false, true]);
  assertEquals(again.lastId, first.lastId);
  const on = await bench.ttl(bench.keys.watched);
  const kept = await bench.ttl(bench.keys.events);
  assert(on > 0 && kept > on + 20, `${on} ${kept}`);
  await bench.add("a");
  assert(await bench.ttl(bench.keys.events) > 0);
});

Deno.test("jobs go on where the key of the events holds another type of value", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.send("SET", bench.keys.events, "text");
  await bench.send("SET", bench.keys.watched, 1);
  await bench.add("a");
  await bench.run(worker);
  await bench.add("b");
  await bench.run(worker, { outcome: "failed" });
  assertEquals([await bench.status("a"), await bench.status("b")], [
    "finished",
    "failed",
  ]);
});

Deno.test("what is watched of a job is read together with the last event", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await watch(bench.jobs);
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.workers.record(execution, {
    x_progress: 1,
    x_progress_note: "all",
  });
  const look = await lookAtJob(bench.jobs, "a");
  const { lastId } = await watch(bench.jobs);
  assertEquals({ ...look, at: undefined }, {
    at: undefined,
    lastId,
    exists: true,
    status: "started",
    workerName: "w1",
    progress: { value: 1, note: "all" },
  });
  await bench.send("HSET", bench.keys.job("a"), "x_progress", "much");
  assertEquals((await lookAtJob(bench.jobs, "a")).progress, undefined);
  await bench.send("SET", bench.keys.job("b"), "text");
  assertEquals((await lookAtJob(bench.jobs, "b")).exists, false);
});

Deno.test("whatever writes a status tells it", () => {
  const texts = new Map(sharedPieces());
  for (const { name, script } of SCRIPTS) {
    texts.set(name, partsOf(script.lua).own);
  }
  const silent = [...texts].filter(([, lua]) =>
    /'HSET', [^\n]*'status'/.test(lua) && !/\b(tell|write_event)/.test(lua)
  );
  assertEquals(silent.map(([name]) => name), [
    "mark_started", // CLAIM tells, of all jobs that it starts
    "place_new", // push_gathered() tells, of all jobs that it pushes
    "SETTLE", // writes the status that is there
  ]);
});
