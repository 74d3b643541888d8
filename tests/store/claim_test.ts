import { assert, assertEquals } from "@std/assert";
import { readClaim } from "../../lib/store/claim_reply.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { CLAIM } from "../../lib/store/scripts/claim.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { Bench, echoing } from "./support.ts";

Deno.test("a claim marks the job started, leases it and gives its fields", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { ttl: 300 });
  const { id, queue, job } = await bench.claim(worker);
  assertEquals([queue, job.id], ["q", "a"]);
  assertEquals(job.call.funcName, "jobs.f");
  const record = (await bench.jobs.fetch("a"))!;
  assertEquals([record.text("status"), record.text("worker_name")], [
    "started",
    "w1",
  ]);
  assert(record.date("started_at") !== null);
  assertEquals(await bench.members("rq:wip:q"), [`a:${id}`]);
  assertEquals(await bench.ttl("rq:job:a"), -1);
  assertEquals(await bench.send("HGET", "rq:worker:w1", "state"), "busy");
  assertEquals(await bench.queued(), []);
});

Deno.test("queues are served in the order of priority, each from its head", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["high", "default", "low"]);
  await bench.add("l", { queue: "low" });
  await bench.add("d1", { queue: "default" });
  await bench.add("d2", { queue: "default" });
  await bench.add("d0", { queue: "default", atFront: true });
  await bench.add("h", { queue: "high" });
  await bench.add("other", { queue: "other" });
  const order = [];
  for (let i = 0; i < 5; i++) order.push(await bench.run(worker));
  assertEquals(order, ["h", "d0", "d1", "d2", "l"]);
  assertEquals((await bench.tryClaim(worker)).kind, "empty");
});

Deno.test("a claim skips what cannot be run, tells why, and takes the next", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["canceled", "stopped", "ok"]) await bench.add(id);
  await bench.send("HSET", "rq:job:canceled", "status", "canceled");
  await bench.send("HSET", "rq:job:stopped", "status", "stopped");
  await bench.send("SET", "rq:job:text", "x");
  await bench.send("RPUSH", "rq:job:list", "x");
  await bench.send("HSET", "rq:job:nodata", "status", "queued");
  await bench.send("LPUSH", "rq:queue:q", "nodata", "list", "text", "gone");
  const before = await bench.dump();
  const { kind, execution, skipped } = await bench.tryClaim(worker);
  assertEquals([kind, execution?.job.id], ["jobs", "ok"]);
  assertEquals(
    skipped.map(({ queue, jobId, reason }) => [queue, jobId, reason]),
    [
      ["q", "gone", "gone"],
      ["q", "text", "its key holds a string"],
      ["q", "list", "its key holds a list"],
      ["q", "nodata", "it has no data"],
      ["q", "canceled", "canceled"],
      ["q", "stopped", "stopped"],
    ],
  );
  const after = await bench.dump();
  for (const id of ["text", "list", "nodata", "canceled"]) {
    assertEquals(after[`rq:job:${id}`], before[`rq:job:${id}`]);
  }
});

Deno.test("an id whose job another worker runs is dropped, be it ours or Python's", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("ours");
  await bench.claim(worker);
  await bench.add("python");
  await bench.send("HSET", "rq:job:python", "status", "started");
  await bench.send("ZADD", "rq:executions:python", 9_999_999_999, "e1");
  await bench.send("ZADD", "rq:wip:q", 9_999_999_999, "python:e1");
  await bench.send("RPUSH", "rq:queue:q", "ours");
  const { kind, skipped } = await bench.tryClaim(worker);
  assertEquals([kind, skipped.map(({ jobId, reason }) => [jobId, reason])], [
    "empty",
    [["python", "running"], ["ours", "running"]],
  ]);
});

Deno.test("a started job whose lease has run out is claimed again", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const first = await bench.claim(worker);
  await bench.expire(first);
  await bench.send("RPUSH", "rq:queue:q", "a");
  const second = await bench.claim(worker);
  assertEquals([second.job.id, second.job.text("x_attempts")], ["a", "2"]);
  assertEquals(await bench.end(worker, second), "finished");
});

const FOREIGN: [string, string[]][] = [
  ["text under its own key", ["SET", "rq:queue:bad", "x"]],
  ["a hash under its own key", ["HSET", "rq:queue:bad", "a", "b"]],
  ["text under its started registry", ["SET", "rq:wip:bad", "x"]],
  ["a set under its started registry", ["SADD", "rq:wip:bad", "x"]],
];

Deno.test.each(FOREIGN)(
  "a queue with %s is skipped and does not keep others from it",
  async (_name, [command, ...args]) => {
    await using bench = await Bench.open();
    const worker = await bench.worker("w1", ["bad", "q"]);
    if (args[0] !== "rq:queue:bad") await bench.add("b", { queue: "bad" });
    await bench.add("a");
    await bench.send(command!, ...args);
    const { execution, skipped } = await bench.tryClaim(worker);
    assertEquals(execution?.job.id, "a");
    assertEquals([skipped.length, skipped[0]?.queue, skipped[0]?.jobId], [
      1,
      "bad",
      "",
    ]);
    if (args[0] !== "rq:queue:bad") {
      assertEquals(await bench.queued("bad"), ["b"]);
    }
  },
);

Deno.test("a caught job is not lost if its started registry cannot be written", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["bad", "q"]);
  await bench.add("b", { queue: "bad" });
  await bench.send(
    "LMOVE",
    "rq:queue:bad",
    "rq:queue:bad:intermediate",
    "LEFT",
    "LEFT",
  );
  await bench.send("SET", "rq:wip:bad", "x");
  const caught = [{ queue: "bad", jobId: "b" }];
  await bench.tryClaim(worker, caught).catch(() => undefined);
  const queued = await bench.queued("bad");
  const waiting = await bench.send(
    "LRANGE",
    "rq:queue:bad:intermediate",
    0,
    -1,
  );
  assertEquals([...queued, ...waiting as string[]], ["b"]);
});

Deno.test("a claim pops no more than its share, and says that there is more", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const gone = Array.from({ length: 250 }, (_, i) => `gone-${i}`);
  await bench.send("RPUSH", "rq:queue:q", ...gone);
  await bench.add("a");
  const replies = [];
  for (let i = 0; i < 3; i++) replies.push(await bench.tryClaim(worker));
  assertEquals(
    replies.map(({ kind, skipped }) => [kind, skipped.length]),
    [["more", 100], ["more", 100], ["jobs", 50]],
  );
});

async function caughtOf(bench: Bench, ids: readonly string[], queue = "q") {
  for (const id of ids) {
    await bench.send("RPUSH", `rq:queue:${queue}:intermediate`, id);
    await bench.send("LREM", `rq:queue:${queue}`, 1, id);
  }
  return ids.map((jobId) => ({ queue, jobId }));
}

Deno.test("the first of the caught jobs is claimed, the others go back to their heads in order", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["q", "r"]);
  for (const id of ["a", "b", "c", "d"]) await bench.add(id);
  for (const id of ["x", "y"]) await bench.add(id, { queue: "r" });
  const caught = [
    ...await caughtOf(bench, ["a", "b", "c"]),
    ...await caughtOf(bench, ["x"], "r"),
  ];
  const { execution } = await bench.tryClaim(worker, caught);
  assertEquals(execution?.job.id, "a");
  assertEquals(await bench.queued(), ["b", "c", "d"]);
  assertEquals(await bench.queued("r"), ["x", "y"]);
  assertEquals(await bench.send("EXISTS", "rq:queue:q:intermediate"), 0);
});

Deno.test("a caught job that cannot be run is dropped, and the next one is claimed", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c"]) await bench.add(id);
  const caught = await caughtOf(bench, ["a", "b"]);
  await bench.send("HSET", "rq:job:a", "status", "canceled"); // RQ leaves its id where it is
  const { execution, skipped } = await bench.tryClaim(worker, caught);
  assertEquals([execution?.job.id, skipped[0]?.reason], ["b", "canceled"]);
});

Deno.test("a caught job that somebody has put back is let go", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["q"]);
  await bench.add("a", { queue: "elsewhere" });
  const caught = [{ queue: "elsewhere", jobId: "a" }];
  assertEquals((await bench.tryClaim(worker, caught)).kind, "empty");
  assertEquals(await bench.queued("elsewhere"), ["a"]);
});

Deno.test.each<[string, (bench: Bench) => Promise<unknown>]>([
  ["suspended", (bench) => bench.send("SET", "rq:suspended", "1")],
  ["unregistered", (bench) => bench.send("DEL", "rq:worker:w1")],
])(
  "a worker that is %s gets nothing, and what was caught goes back in order",
  async (kind, make) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    for (const id of ["a", "b", "c"]) await bench.add(id);
    const caught = await caughtOf(bench, ["a", "b"]);
    await make(bench);
    const reply = await bench.tryClaim(worker, caught);
    assertEquals([reply.kind, reply.execution], [
      kind as typeof reply.kind,
      null,
    ]);
    assertEquals(await bench.queued(), ["a", "b", "c"]);
    assertEquals(await bench.members("rq:wip:q"), []);
  },
);

Deno.test("a claim that is sent again gives the same jobs, and leaves the next ones", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c"]) await bench.add(id);
  const replies: unknown[] = [];
  const client = echoing(bench.client, (reply) => {
    replies.push(readClaim(reply as Uint8Array)?.executions);
  });
  const workers = new WorkerStore(client, bench.keys);
  const { kind, executions } = await workers.claim(worker, { jobs: 2 });
  assertEquals(kind, "jobs");
  assertEquals(executions.map(({ job }) => job.id), ["a", "b"]);
  assertEquals(executions.map(({ job }) => job.text("x_attempts")), [
    undefined,
    undefined,
  ]);
  const idsOf = (executions: unknown) =>
    (executions as Execution[]).map((
      { id, queue, job },
    ) => [id, queue, job.id]);
  assertEquals(idsOf(executions), idsOf(replies[0]));
  assertEquals(replies[1], undefined);
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test.each<[string, readonly [string, ...string[]]]>([
  ["Python has canceled meanwhile", ["HSET", "rq:job:a", "status", "canceled"]],
  ["holds something else by now", ["SET", "rq:job:a", "text"]],
])(
  "a claim that is sent again does not give the job that %s",
  async (_what, [command, ...args]) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    for (const id of ["a", "b"]) await bench.add(id);
    const client = echoing(bench.client, async (_reply, time, script) => {
      if (time === 1 && script === CLAIM.lua) {
        await bench.send(command, ...args);
      }
    });
    const store = new WorkerStore(client, bench.keys);
    const { executions } = await store.claim(worker, { jobs: 2 });
    assertEquals(executions.map(({ job }) => job.id), ["b"]);
  },
);

Deno.test("a claim that is sent again after its jobs have ended gives none, and the next one does", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  let calls = 0;
  const client = echoing(bench.client, async (reply) => {
    if (++calls > 1) return;
    const { executions: [execution] } = readClaim(reply as Uint8Array)!;
    await bench.end(worker, execution!);
  });
  const workers = new WorkerStore(client, bench.keys);
  const again = await workers.claim(worker, { jobs: 1 });
  assertEquals([again.kind, again.executions], ["more", []]);
  assertEquals((await bench.claim(worker)).job.id, "b");
});

Deno.test("a claim takes as many jobs as are wanted, over all queues and caught ones", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["q", "r"]);
  for (const id of ["a", "b", "c"]) await bench.add(id);
  for (const id of ["x", "y"]) await bench.add(id, { queue: "r" });
  const caught = await caughtOf(bench, ["y"], "r");
  const { executions } = await bench.workers.claim(worker, {
    jobs: 5,
    popped: caught,
  });
  assertEquals(executions.map(({ queue, job }) => [queue, job.id]), [
    ["q", "a"],
    ["q", "b"],
    ["q", "c"],
    ["r", "y"],
    ["r", "x"],
  ]);
  assertEquals(new Set(executions.map(({ id }) => id)).size, 5);
  assertEquals((await bench.members("rq:wip:q")).length, 3);
});

Deno.test("more caught jobs than are wanted go back in order", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c", "d", "e"]) await bench.add(id);
  const caught = await caughtOf(bench, ["a", "b", "c", "d"]);
  const { executions } = await bench.workers.claim(worker, {
    jobs: 2,
    popped: caught,
  });
  assertEquals(executions.map(({ job }) => job.id), ["a", "b"]);
  assertEquals(await bench.queued(), ["c", "d", "e"]);
});

Deno.test("a claim of very many jobs gives all of them", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => bench.add(`job-${i}`)),
  );
  const { executions } = await bench.workers.claim(worker, { jobs: 1_000 });
  assertEquals(executions.length, 1_000);
});

Deno.test("a job without an origin gets that of the queue that it was found on", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.send("HSET", "rq:job:a", "data", `["f.g", null, [], {}]`);
  await bench.send("RPUSH", "rq:queue:q", "a");
  const { job } = await bench.claim(worker);
  assertEquals([await bench.field("a", "origin"), job.timeout], ["q", 180]);
});

Deno.test("a hash with fields of any name starts its own job and no other", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { id: "b", q: "r", hash: "x", err: "y" };
  for (const id of ["a", "b"]) await bench.add(id, { fields });
  const { queue, job } = await bench.claim(worker);
  assertEquals([queue, job.id], ["q", "a"]);
  assertEquals([await bench.status("a"), await bench.status("b")], [
    "started",
    "queued",
  ]);
});

Deno.test("two workers that claim at once never get the same job", async () => {
  await using bench = await Bench.open();
  const workers = [];
  for (let i = 0; i < 8; i++) workers.push(await bench.worker(`w${i}`));
  await Promise.all(
    Array.from({ length: 400 }, (_, i) => bench.add(`job-${i}`)),
  );
  const claimed: string[] = [];
  await Promise.all(workers.map(async (worker) => {
    for (let i = 0; i < 50; i++) {
      const execution = await bench.claim(worker);
      claimed.push(execution.job.id);
      await bench.end(worker, execution);
    }
  }));
  assertEquals([claimed.length, new Set(claimed).size], [400, 400]);
});
