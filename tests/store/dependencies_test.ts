import { assert, assertEquals } from "@std/assert";
import { Bench, type Ending } from "./support.ts";

const LENIENT = { allow_dependency_failures: 1 };

Deno.test("a job waits for all its parents, in whichever order they finish", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const parents = ["p1", "p2", "p3"];
  for (const id of parents) await bench.add(id);
  const { status, enqueuedAt } = await bench.add("c", { dependsOn: parents });
  assertEquals([status, enqueuedAt], ["deferred", ""]);
  assertEquals(await bench.members("rq:deferred:q"), ["c"]);
  assertEquals(await bench.members("rq:job::c:dependencies"), parents);
  const [e1, e2, e3] = [
    await bench.claim(worker),
    await bench.claim(worker),
    await bench.claim(worker),
  ];
  await bench.end(worker, e3);
  await bench.end(worker, e1);
  assertEquals([await bench.status("c"), await bench.queued()], [
    "deferred",
    [],
  ]);
  await bench.end(worker, e2);
  assertEquals([await bench.status("c"), await bench.queued()], ["queued", [
    "c",
  ]]);
  assertEquals(await bench.members("rq:deferred:q"), []);
  assert(await bench.field("c", "enqueued_at") !== null);
});

type Make = (bench: Bench) => Promise<unknown>;

const PARENTS: [string, Make, string, string][] = [
  [
    "has finished",
    async (bench) => {
      await bench.add("p");
      await bench.run(await bench.worker());
    },
    "queued",
    "queued",
  ],
  [
    "has failed",
    async (bench) => {
      await bench.add("p");
      await bench.run(await bench.worker(), { outcome: "failed" });
    },
    "deferred",
    "queued",
  ],
  [
    "is stopped",
    async (bench) => {
      await bench.add("p");
      await bench.run(await bench.worker(), { outcome: "stopped" });
    },
    "deferred",
    "deferred",
  ],
  [
    "is canceled",
    async (bench) => {
      await bench.add("p");
      await bench.jobs.cancel("p");
    },
    "deferred",
    "deferred",
  ],
  ["is queued", (bench) => bench.add("p"), "deferred", "deferred"],
];

Deno.test.each(PARENTS)(
  "a job whose parent %s when it is enqueued waits or not, as failure is allowed or not",
  async (_name, make, strict, lenient) => {
    await using bench = await Bench.open();
    await make(bench);
    assertEquals(
      (await bench.add("s", { dependsOn: ["p"] })).status,
      strict as "queued",
    );
    const reply = await bench.add("l", { dependsOn: ["p"], fields: LENIENT });
    assertEquals(reply.status, lenient as "queued");
  },
);

const ENDS: ["finished" | "failed" | "stopped", string[]][] = [
  ["finished", ["lenient", "strict"]],
  ["failed", ["lenient"]],
  ["stopped", []],
];

Deno.test.each(ENDS)(
  "a parent that ends as %s releases those that may run",
  async (outcome, released) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("p");
    await bench.add("strict", { dependsOn: ["p"] });
    await bench.add("lenient", { dependsOn: ["p"], fields: LENIENT });
    await bench.run(worker, { outcome });
    assertEquals((await bench.queued()).sort(), released);
  },
);

Deno.test("a failed parent that is put back and finishes releases its dependents", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await bench.add("c", { dependsOn: ["p"] });
  await bench.run(worker, { outcome: "failed" });
  await bench.jobs.requeue("p", false);
  await bench.run(worker);
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test("a parent that is retried keeps its dependents waiting", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p", { fields: { retries_left: 1 } });
  await bench.add("c", { dependsOn: ["p"], fields: LENIENT });
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.status("c"), "deferred");
  assertEquals(await bench.queued(), ["p"]);
});

Deno.test("a dependent goes to its own queue, and to the head where that was wanted", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  for (const id of ["x", "y"]) await bench.add(id, { queue: "r" });
  await bench.add("c", {
    queue: "r",
    dependsOn: ["p"],
    fields: { enqueue_at_front: 1 },
  });
  await bench.run(worker);
  assertEquals(await bench.queued("r"), ["c", "x", "y"]);
});

Deno.test("canceled and deleted dependents are not released", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  for (const id of ["a", "b", "c"]) await bench.add(id, { dependsOn: ["p"] });
  await bench.jobs.cancel("a");
  await bench.jobs.delete("b");
  assertEquals(await bench.members("rq:job:p:dependents"), ["a", "c"]);
  await bench.run(worker);
  assertEquals(await bench.queued(), ["c"]);
  assertEquals(await bench.status("a"), "canceled");
});

Deno.test("a chain of jobs runs from parent to child", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("j0");
  for (let i = 1; i < 10; i++) {
    await bench.add(`j${i}`, { dependsOn: [`j${i - 1}`] });
  }
  const order = [];
  for (let i = 0; i < 10; i++) order.push(await bench.run(worker));
  assertEquals(order, Array.from({ length: 10 }, (_, i) => `j${i}`));
});

async function family(bench: Bench, fields: Record<string, number> = {}) {
  await bench.add("p");
  await Promise.all(
    Array.from(
      { length: 2_000 },
      (_, i) => bench.add(`c${i}`, { dependsOn: ["p"], fields }),
    ),
  );
}

Deno.test.each([[500], [-1], [0]])(
  "a parent of 2,000 dependents whose result is kept %d seconds releases them all",
  async (ttl) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await family(bench);
    await bench.run(worker, { ttl });
    assertEquals((await bench.queued()).length, 2_000);
    assertEquals(
      await bench.send("EXISTS", "rq:deferred:q", "rq:job:p:dependents"),
      0,
    );
  },
);

Deno.test.each([[31_536_000], [0]])(
  "a parent of 2,000 dependents that allow failure, whose failure is kept %d seconds, releases them all",
  async (ttl) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await family(bench, LENIENT);
    await bench.run(worker, { outcome: "failed", ttl });
    assertEquals((await bench.queued()).length, 2_000);
  },
);

Deno.test("dependents that a worker left behind when it died in the middle of the release are found by the sweep", async () => {
  await using bench = await Bench.open();
  await family(bench);
  await bench.send("HSET", "rq:job:p", "status", "finished");
  await bench.sweep();
  assertEquals((await bench.queued()).length, 2_001);
});

Deno.test("a dependent that allows failure runs at once although the failure is not kept", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p", { fields: { failure_ttl: 0 } });
  await bench.add("c", { dependsOn: ["p"], fields: LENIENT });
  await bench.run(worker, { outcome: "failed", ttl: 0 });
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test("a dependent whose first parent has finished and gone is found by the sweep, if who ended the last one died", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p1");
  await bench.add("p2");
  await bench.add("c", { dependsOn: ["p1", "p2"] });
  await bench.run(worker, { ttl: 0 }); // or its result has expired meanwhile
  assertEquals(await bench.send("EXISTS", "rq:job:p1"), 0);
  await bench.claim(worker);
  await bench.send("HSET", "rq:job:p2", "status", "finished");
  await bench.sweep();
  assertEquals(await bench.status("c"), "queued");
});

/** An end without a heartbeat: a plain one, unless somebody waits for it. */
const PLAIN: Ending = {
  outcome: "finished",
  ttl: 500,
  payload: "",
  workedMs: 1,
  hadHeartbeat: false,
};

Deno.test("a child that was there when its parent was claimed is queued before the claim that goes with the parent's end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["p", "waiting"]) await bench.add(id);
  const fields = { enqueue_at_front: 1 };
  await bench.add("c", { dependsOn: ["p"], fields });
  const execution = await bench.claim(worker);
  const { ended, claimed } = bench.workers.endAndClaim(
    worker,
    [{ ...PLAIN, execution }],
    "idle",
    { jobs: 1 },
  );
  assertEquals(await Promise.all(ended), ["finished"]);
  const { executions } = await claimed;
  assertEquals(executions.map(({ job }) => job.id), ["c"]);
});

Deno.test("a child that comes while its parent runs is queued when that ends, and its worker stays busy with what it has claimed", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["p", "waiting"]) await bench.add(id);
  const execution = await bench.claim(worker);
  await bench.add("c", { dependsOn: ["p"] });
  const { ended, claimed } = bench.workers.endAndClaim(
    worker,
    [{ ...PLAIN, execution }],
    "idle",
    { jobs: 1 },
  );
  assertEquals(await Promise.all(ended), ["finished"]);
  const { executions } = await claimed;
  assertEquals(executions.map(({ job }) => job.id), ["waiting"]);
  assertEquals(await bench.queued(), ["c"]);
  const shown = ["state", "current_job", "successful_job_count"];
  assertEquals(await bench.send("HMGET", "rq:worker:w1", ...shown), [
    "busy",
    "waiting",
    "1",
  ]);
});

Deno.test("a child of a Python producer, which leaves no mark in its parent, is queued when that ends", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await bench.add("c", { dependsOn: ["p"] });
  await bench.send("HDEL", "rq:job:p", "x_dependents");
  await bench.end(worker, await bench.claim(worker), PLAIN);
  assertEquals(await bench.queued(), ["c"]);
});
