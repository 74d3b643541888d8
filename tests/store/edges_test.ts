/** What becomes of jobs whose parents fail, are stopped, canceled or deleted, as their edges say. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NoSuchJobError } from "../../lib/base/errors.ts";
import type { IfParentFails } from "../../lib/job/dependency.ts";
import { decodeFailure } from "../../lib/job/result_codec.ts";
import { endedRecord } from "../../lib/store/ended_job.ts";
import type { WorkerIdentity } from "../../lib/store/worker_types.ts";
import { childOf, policyFields } from "./edges.ts";
import { Bench } from "./support.ts";

const POLICIES: readonly IfParentFails[] = ["wait", "fail", "cancel", "run"];

/** A parent `p`, and a child for each policy, named so. */
async function family(bench: Bench): Promise<void> {
  await bench.add("p");
  for (const policy of POLICIES) {
    await bench.add(policy, childOf("p", policy));
  }
}

function statuses(bench: Bench): Promise<(string | null)[]> {
  return Promise.all(POLICIES.map((policy) => bench.status(policy)));
}

async function failureOf(bench: Bench, id: string): Promise<string | null> {
  const latest = await bench.jobs.latestResult(id);
  return latest && decodeFailure(latest);
}

type End = (bench: Bench, worker: WorkerIdentity) => Promise<unknown>;

const ENDS: [string, End, string][] = [
  [
    "has failed",
    (bench, worker) => bench.run(worker, { outcome: "failed" }),
    "failed",
  ],
  [
    "has failed",
    (bench, worker) => bench.run(worker, { outcome: "failed", ttl: 0 }),
    "failed",
  ],
  [
    "was stopped",
    (bench, worker) => bench.run(worker, { outcome: "stopped" }),
    "stopped",
  ],
  ["was canceled", (bench) => bench.jobs.cancel("p"), "canceled"],
  ["is gone", (bench) => bench.jobs.delete("p"), "deleted"],
];

Deno.test.each(ENDS)(
  "a job that waits for one that %s does what its edge says, and tells why",
  async (words, end, status) => {
    await using bench = await Bench.open();
    await family(bench);
    await end(bench, await bench.worker());
    const expected = ["deferred", "failed", "canceled", "queued"];
    assertEquals(await statuses(bench), expected);
    assertEquals(
      await failureOf(bench, "fail"),
      `ParentFailedError: Cannot run the job: job "p", on which it depends, ${words}`,
    );
    for (const id of ["fail", "cancel"]) {
      assertEquals(await bench.field(id, "x_decided_by"), `p ${status}`);
    }
    assertEquals(await bench.members("rq:deferred:q"), ["wait"]);
    assert((await bench.members("rq:failed:q")).includes("fail"));
    assert((await bench.members("rq:canceled:q")).includes("cancel"));
    assert((await bench.queued()).includes("run"));
    assertEquals(await bench.send("EXISTS", "rq:x_releasing"), 0);
  },
);

Deno.test("jobs that end with their parent end those that wait for them, and so on", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await bench.add("c", childOf("p", "fail"));
  await bench.add("cc", childOf("c", "cancel"));
  await bench.add("ccc", childOf("cc", "run"));
  await bench.add("waiting", childOf("cc", "wait"));
  await bench.run(await bench.worker(), { outcome: "failed" });
  assertEquals(await bench.field("cc", "x_decided_by"), "c failed");
  assertEquals([await bench.status("c"), await bench.status("cc")], [
    "failed",
    "canceled",
  ]);
  assertEquals(await bench.queued(), ["ccc"]);
  assertEquals(await bench.members("rq:deferred:q"), ["waiting"]);
});

Deno.test("of several parents, each has its own policy", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["cleanup", "vital"]) await bench.add(id);
  const fields = policyFields({ cleanup: "run", "*": "fail" });
  for (const id of ["a", "b"]) {
    await bench.add(id, { dependsOn: ["cleanup", "vital"], fields });
  }
  await bench.jobs.cancel("b");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("a"), "deferred");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("a"), "failed");
  assertEquals(await bench.field("a", "x_decided_by"), "vital failed");
  assertEquals(await bench.status("b"), "canceled");
  assertEquals(await bench.field("b", "x_decided_by"), null);
});

Deno.test("the callback of a job that fails with its parent is called, and told why", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  const fields = { failure_callback_name: "jobs.alarm" };
  await bench.add("c", childOf("p", "fail", { fields }));
  await bench.run(worker, { outcome: "failed" });
  const { job } = await bench.claim(worker);
  assert(job.id.startsWith("c-on-failure-"), job.id);
  const told = endedRecord(job);
  assertEquals([told.job.id, told.job.text("status")], ["c", "failed"]);
  const { returnValue, ...entry } = (await bench.jobs.latestResult("c"))!;
  assertEquals([returnValue, told.outcome], [undefined, entry.excString]);
});

Deno.test("a parent that is tried again has not failed yet", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p", { fields: { retries_left: 1 } });
  await bench.add("c", childOf("p", "fail"));
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("c"), "deferred");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("c"), "failed");
});

Deno.test("a job that has failed with its parent can be requeued, and then depends on nothing", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await bench.add("c", childOf("p", "fail"));
  await bench.run(worker, { outcome: "failed" });
  await bench.jobs.requeue("c", false);
  assertEquals(await bench.field("c", "x_decided_by"), null);
  assertEquals(await bench.run(worker), "c");
});

Deno.test("a job is kept as long as any failure if it fails with its parent, and not at all where none is", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await bench.add(
    "short",
    childOf("p", "fail", { fields: { failure_ttl: 9 } }),
  );
  await bench.add("none", childOf("p", "fail", { fields: { failure_ttl: 0 } }));
  await bench.add("late", childOf("none", "fail"));
  await bench.run(worker, { outcome: "failed" });
  const ttl = await bench.ttl("rq:job:short");
  assert(ttl > 0 && ttl <= 9, `${ttl}`);
  assertEquals(await bench.send("EXISTS", "rq:job:none", "rq:results:none"), 0);
  assertEquals(await bench.status("late"), "failed");
});

Deno.test.each([["fail", "failed"], ["cancel", "canceled"]] as const)(
  'a job whose edge says "%s", and whose parent has ended before it comes, is %s at once',
  async (policy, status) => {
    await using bench = await Bench.open();
    await bench.add("p");
    await bench.add("q");
    await bench.run(await bench.worker(), { outcome: "failed" });
    const child = childOf(["q", "p"], policy, { ttl: 5 });
    const enqueued = await bench.add("c", child);
    assertEquals(enqueued, { status, enqueuedAt: "" });
    assertEquals(await bench.status("c"), status);
    assertEquals(await bench.field("c", "x_decided_by"), "p failed");
    assertEquals(await bench.queued(), ["q"]);
    const keys = ["rq:job:q:dependents", "rq:job::c:dependencies"];
    assertEquals(await bench.send("EXISTS", ...keys), 0);
    assert(await bench.ttl("rq:job:c") > 1_000);
  },
);

Deno.test("a job whose parent nobody knows is refused, and nothing is written", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await bench.send("SET", "rq:job:odd", "x");
  const before = await bench.dump();
  for (const gone of ["gone", "odd"]) {
    const adding = bench.add("c", { dependsOn: ["p", gone] });
    const error = await assertRejects(() => adding, NoSuchJobError);
    assertEquals(error.jobId, gone);
    assert(error.message.includes(`Cannot enqueue job "c": there is no job`));
  }
  assertEquals(await bench.dump(), before);
});

Deno.test("what a worker of Python's does with a parent has its effect in the next sweep", async () => {
  await using bench = await Bench.open();
  await bench.add("other", { queue: "other" });
  await bench.add("p");
  for (const policy of POLICIES) {
    const fields = policyFields({ p: policy });
    await bench.add(policy, { dependsOn: ["p", "other"], fields });
  }
  await bench.send("HSET", "rq:job:p", "status", "stopped");
  await bench.sweep();
  assertEquals(await statuses(bench), [
    "deferred",
    "failed",
    "canceled",
    "deferred", // for the other one
  ]);
  await bench.send("HSET", "rq:job:other", "status", "finished");
  await bench.sweep();
  assertEquals(await bench.status("run"), "queued");
});

Deno.test("a parent that a sweep has seen finished may be gone later", async () => {
  await using bench = await Bench.open();
  for (const id of ["p", "other"]) await bench.add(id, { queue: id });
  await bench.add("c", childOf(["p", "other"], "fail"));
  await bench.send("HSET", "rq:job:p", "status", "finished"); // by Python
  await bench.sweep();
  await bench.send("DEL", "rq:job:p", "rq:job:p:dependents");
  await bench.sweep();
  assertEquals(await bench.status("c"), "deferred");
  await bench.run(await bench.worker("w", ["other"]));
  assertEquals(await bench.status("c"), "queued");
});

Deno.test("a parent that had finished before its child came may be gone later", async () => {
  await using bench = await Bench.open();
  for (const id of ["p", "other"]) await bench.add(id, { queue: id });
  await bench.run(await bench.worker("w1", ["p"]));
  await bench.add("c", childOf(["p", "other"], "fail"));
  await bench.send("DEL", "rq:job:p");
  await bench.sweep();
  assertEquals(await bench.status("c"), "deferred");
  await bench.run(await bench.worker("w2", ["other"]));
  assertEquals(await bench.status("c"), "queued");
});

Deno.test("a parent that has expired on its queue is gone: its children do what their edges say in the next sweep", async () => {
  await using bench = await Bench.open();
  await family(bench);
  await bench.send("DEL", "rq:job:p", "rq:job:p:dependents");
  await bench.sweep();
  assertEquals(await statuses(bench), [
    "deferred",
    "failed",
    "canceled",
    "queued",
  ]);
});

Deno.test.each([["{"], ['["fail"]'], ['{"*":"explode"}'], ['{"*":7}'], [""]])(
  "policies that are %s mean that the job waits",
  async (text) => {
    await using bench = await Bench.open();
    await bench.add("p");
    await bench.add("c", { dependsOn: ["p"] });
    await bench.send("HSET", "rq:job:c", "x_if_parent_fails", text);
    await bench.run(await bench.worker(), { outcome: "failed" });
    await bench.sweep();
    assertEquals(await bench.status("c"), "deferred");
  },
);

Deno.test("a scheduled job with parents waits for both, and ends with its parent before its time", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["p1", "p2", "p3"]) await bench.add(id);
  await bench.add("done", childOf("p1", "fail", { due: "+600" }));
  await bench.add("failed", childOf("p2", "fail", { due: "+600" }));
  await bench.add("run", childOf("p3", "run", { due: "+600" }));
  await bench.run(worker);
  await bench.run(worker, { outcome: "failed" });
  await bench.run(worker, { outcome: "failed" });
  const ids = ["done", "failed", "run"];
  assertEquals(await Promise.all(ids.map((id) => bench.status(id))), [
    "scheduled",
    "failed",
    "scheduled",
  ]);
  assertEquals(await bench.members("rq:scheduled:q"), ["done", "run"]);
});

Deno.test("a rate-limited job that ends with its parent has no slot and takes none", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const limit = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  await bench.add("p");
  await bench.add("c", childOf("p", "fail", { fields: limit }));
  await bench.add("d", childOf("p", "run", { fields: limit }));
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("c"), "failed");
  assertEquals(await bench.members("rq:rl:k:allowed"), ["d"]);
});

Deno.test("the dependents of a canceled job go on without it if that is wanted, each when its other parents are done", async () => {
  await using bench = await Bench.open();
  await bench.add("other", { queue: "other" });
  await family(bench);
  await bench.add("both", childOf(["p", "other"], "fail"));
  await bench.jobs.cancel("p", { enqueueDependents: true });
  assertEquals(await statuses(bench), Array(4).fill("queued"));
  assertEquals(await bench.status("both"), "deferred");
  assertEquals(await bench.members("rq:job::both:dependencies"), ["other"]);
  await bench.run(await bench.worker("w", ["other"]));
  assertEquals(await bench.status("both"), "queued");
});

Deno.test("a canceled job is forgotten by those that it waits for, if that is wanted", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  for (const id of ["a", "b"]) await bench.add(id, { dependsOn: ["p"] });
  await bench.jobs.cancel("a");
  assertEquals(await bench.members("rq:job:p:dependents"), ["a", "b"]);
  await bench.jobs.cancel("b", { removeFromDependencies: true });
  assertEquals(await bench.members("rq:job:p:dependents"), ["a"]);
});

Deno.test("with a job its dependents are deleted, as in RQ, and those of these do what their edges say", async () => {
  await using bench = await Bench.open();
  await family(bench);
  await bench.add("fails", childOf("run", "fail"));
  await bench.add("waits", childOf("run", "wait"));
  assert(await bench.jobs.delete("p", true));
  assertEquals(await statuses(bench), Array(4).fill(null));
  assertEquals(await bench.status("fails"), "failed");
  assertEquals(await bench.status("waits"), "deferred");
  assertEquals(await bench.members("rq:deferred:q"), ["waits"]);
  const left = ["rq:x_releasing", "rq:job:p:dependents", "rq:queue:q"];
  assertEquals(await bench.send("EXISTS", ...left), 0);
});
