/** Very many jobs that end with their parent, and chains of these: in bounded steps, whoever dies between two of them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { RELEASE_DEPENDENTS } from "../../lib/store/scripts/release_dependents.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { childOf } from "./edges.ts";
import { Bench, endOne, newJob, sendingBy } from "./support.ts";

/** Jobs that wait for `p`, with a policy. */
async function children(
  bench: Bench,
  policy: "wait" | "fail" | "cancel" | "run",
  count: number,
): Promise<void> {
  const jobs = Array.from({ length: count }, (_, i) => `${policy}-${i}`);
  await bench.jobs.enqueueMany(
    jobs.map((id) => newJob(id, childOf("p", policy))),
  );
}

/** A client that dies at the `n`th further step of a release. */
function dyingAt(bench: Bench, n: number): RedisClient {
  let steps = 0;
  return sendingBy(bench.client, (command, args, options) => {
    const isStep = args?.[0] === RELEASE_DEPENDENTS.sha;
    if (isStep && ++steps >= n) return Promise.reject(new Error("killed"));
    return bench.client.send(command, args, options);
  });
}

async function count(bench: Bench, key: string): Promise<number> {
  return await bench.send("ZCARD", key) as number;
}

/** How the parent's end begins; it may not come to its end. */
const ENDS: [
  string,
  (bench: Bench, client: RedisClient) => Promise<unknown>,
][] = [
  ["fails", async (bench, client) => {
    const worker = await bench.worker();
    const execution = await bench.claim(worker);
    const end = { outcome: "failed", ttl: 60, payload: "", workedMs: 1 };
    const store = new WorkerStore(client, bench.keys);
    await endOne(store, worker, execution, end as never);
  }],
  [
    "is canceled",
    (bench, client) => new JobStore(client, bench.keys).cancel("p"),
  ],
  [
    "is deleted",
    (bench, client) => new JobStore(client, bench.keys).delete("p"),
  ],
];

const DEATHS = [1, 2, 7, Infinity];

Deno.test.each(
  ENDS.flatMap(([name, end]) =>
    DEATHS.map((step) => [name, step, end] as const)
  ),
)(
  "if the parent of 1,600 jobs %s, each does what its edge says, also if who is at it dies in step %d",
  async (_name, step, end) => {
    await using bench = await Bench.open();
    await bench.add("p");
    for (const policy of ["wait", "fail", "cancel", "run"] as const) {
      await children(bench, policy, 400);
    }
    const client = dyingAt(bench, step);
    const died = await end(bench, client).then(() => false, () => true);
    assertEquals(died, step !== Infinity);
    if (died) {
      const pending = await count(bench, "rq:deferred:q");
      assert(pending > 400, `${pending} are deferred`);
      await bench.sweeps.releaseHeld();
    }
    assertEquals(await count(bench, "rq:deferred:q"), 400);
    assertEquals((await bench.queued()).length, 400);
    const failed = await bench.members("rq:failed:q");
    assertEquals(failed.filter((id) => id.startsWith("fail-")).length, 400);
    const canceled = await bench.members("rq:canceled:q");
    assertEquals(canceled.filter((id) => id !== "p").length, 400);
    assertEquals(await bench.send("EXISTS", "rq:x_releasing"), 0);
  },
);

Deno.test.each([[1], [4], [Infinity]])(
  "the dependents of a canceled job all go on without it, and those of a deleted one are all deleted, also after a death in step %d",
  async (step) => {
    await using bench = await Bench.open();
    for (const id of ["p", "d"]) await bench.add(id, { queue: "parents" });
    await children(bench, "fail", 1_000);
    const ids = Array.from({ length: 1_000 }, (_, i) => `child-${i}`);
    await bench.jobs.enqueueMany(
      ids.map((id) => newJob(id, { dependsOn: ["d"] })),
    );
    const canceling = new JobStore(dyingAt(bench, step), bench.keys)
      .cancel("p", { enqueueDependents: true });
    await canceling.catch(() => undefined);
    const deleting = new JobStore(dyingAt(bench, step), bench.keys)
      .delete("d", true);
    await deleting.catch(() => undefined);
    if (step !== Infinity) await bench.sweeps.releaseHeld();
    assertEquals((await bench.queued()).length, 1_000);
    assertEquals(await bench.send("KEYS", "rq:job*child-*"), []);
    assertEquals(await count(bench, "rq:deferred:q"), 0);
    assertEquals(await bench.send("EXISTS", "rq:x_releasing"), 0);
  },
);

Deno.test.each(
  [["canceled", "finished"], ["canceled", "failed"], [
    "deleted",
    "finished",
  ], ["deleted", "failed"]] as const,
)(
  "a parent that is %s while its dependents are released has %s for all of them",
  async (what, outcome) => {
    await using bench = await Bench.open();
    await bench.add("p");
    await children(bench, "fail", 400);
    const lenient = Array.from({ length: 400 }, (_, i) => `lenient-${i}`);
    const fields = { allow_dependency_failures: 1 }; // as Python has it: not for a canceled parent
    await bench.jobs.enqueueMany(
      lenient.map((id) => newJob(id, { dependsOn: ["p"], fields })),
    );
    const worker = await bench.worker();
    const execution = await bench.claim(worker);
    const store = new WorkerStore(dyingAt(bench, 2), bench.keys);
    const end = { outcome, ttl: 60, payload: "", workedMs: 1 };
    await assertRejects(() => endOne(store, worker, execution, end));
    if (what === "canceled") await bench.jobs.cancel("p");
    else await bench.jobs.delete("p");
    await bench.sweeps.releaseHeld();
    const queued = outcome === "finished" ? 800 : 400;
    assertEquals((await bench.queued()).length, queued);
    const failed = await bench.members("rq:failed:q");
    assertEquals(failed.filter((id) => id !== "p").length, 800 - queued);
    const left = ["rq:x_releasing", "rq:deferred:q"];
    assertEquals(await bench.send("EXISTS", ...left), 0);
    if (what === "canceled") assert(await bench.ttl("rq:job:p") > 0);
    else assertEquals(await bench.send("EXISTS", "rq:job:p"), 0);
  },
);

Deno.test("a chain of 1,000 jobs fails with its first one, without a sweep", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  const ids = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
  await bench.jobs.enqueueMany(
    ids.map((id, i) => newJob(id, childOf(ids[i - 1] ?? "p", "fail"))),
  );
  await bench.run(await bench.worker(), { outcome: "failed" });
  assertEquals(await count(bench, "rq:failed:q"), 1_001);
  assertEquals(await bench.field("c999", "x_decided_by"), "c998 failed");
  const left = ["rq:x_releasing", "rq:deferred:q"];
  assertEquals(await bench.send("EXISTS", ...left), 0);
});

Deno.test("a tree of jobs, each with fifty below it, is canceled with its root, without a sweep", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await children(bench, "cancel", 50);
  for (let i = 0; i < 50; i++) {
    const below = Array.from({ length: 50 }, (_, k) => `below-${i}-${k}`);
    await bench.jobs.enqueueMany(
      below.map((id) => newJob(id, childOf(`cancel-${i}`, "cancel"))),
    );
  }
  await bench.jobs.cancel("p");
  assertEquals(await count(bench, "rq:canceled:q"), 1 + 50 + 2_500);
  const left = ["rq:x_releasing", "rq:deferred:q"];
  assertEquals(await bench.send("EXISTS", ...left), 0);
});

Deno.test("thousands that wait for a parent that a worker of Python's has failed end in a few sweeps", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await children(bench, "fail", 1_000);
  await bench.send("HSET", "rq:job:p", "status", "failed");
  for (let i = 0; i < 10; i++) await bench.sweep();
  assertEquals(await count(bench, "rq:failed:q"), 1_000);
});
