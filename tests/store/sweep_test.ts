import { assert, assertEquals } from "@std/assert";
import { formatDate } from "../../lib/base/date.ts";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { SweepStore } from "../../lib/store/sweep_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { waitFor } from "../support/wait_for.ts";
import { ABANDONED, Bench, echoing, newJob } from "./support.ts";

Deno.test("a job whose lease ran out goes back to the head of its queue three times, then it fails as abandoned", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.add("b");
  for (let loss = 1; loss <= 3; loss++) {
    await bench.expire(await bench.claim(worker));
    const { requeued, failed } = await bench.sweep();
    assertEquals([requeued, failed], [["a"], []]);
    assertEquals(await bench.queued(), ["a", "b"]);
    assertEquals(await bench.status("a"), "queued");
    const since = await bench.field("a", "enqueued_at");
    assertEquals(await bench.field("a", "x_abandoned"), `${loss} ${since}`);
  }
  await bench.expire(await bench.claim(worker));
  assertEquals(await bench.sweep(), {
    requeued: [],
    failed: ["a"],
    stopped: [],
  });
  assertEquals([await bench.status("a"), await bench.queued()], [
    "failed",
    ["b"],
  ]);
  assertEquals(await bench.members("rq:failed:q"), ["a"]);
  assertEquals(await bench.members("rq:wip:q"), []);
  const result = await bench.jobs.latestResult("a");
  const text = inflateSync(Buffer.from(result!.excString!, "base64"));
  assertEquals([result?.type, text.toString()], [
    2,
    "AbandonedJobError: lost too often",
  ]);
  const ttl = await bench.ttl("rq:job:a");
  assert(ttl > 31_535_900 && ttl <= 31_536_000, `${ttl}`);
});

Deno.test("a lease that holds is left alone", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.claim(worker);
  const before = await bench.dump();
  assertEquals((await bench.sweep()).requeued, []);
  assertEquals(await bench.dump(), before);
});

Deno.test("the expired lease of a Python worker's execution, and of a plain member of RQ 1.x, puts the job back", async () => {
  await using bench = await Bench.open();
  for (const id of ["two", "one"]) {
    await bench.add(id);
    await bench.send("LREM", "rq:queue:q", 1, id);
    await bench.send("HSET", `rq:job:${id}`, "status", "started");
    await bench.send("HSET", `rq:job:${id}`, "started_at", formatDate());
  }
  await bench.send("ZADD", "rq:wip:q", 5, "two:0123456789abcdef", 6, "one");
  await bench.send(
    "ZADD",
    "rq:executions:two",
    9_999_999_999,
    "0123456789abcdef",
  );
  await bench.send("HSET", "rq:execution:two:0123456789abcdef", "id", "x");
  const { requeued } = await bench.sweep();
  assertEquals(requeued, ["two", "one"]);
  assertEquals(await bench.queued(), ["two", "one"]);
  assertEquals(await bench.allKeys(), [
    "rq:job:one",
    "rq:job:two",
    "rq:queue:q",
    "rq:queues",
  ]);
});

const DROPPED: [string, string[]][] = [
  ["is gone", ["DEL", "rq:job:a"]],
  ["has finished", ["HSET", "rq:job:a", "status", "finished"]],
  ["has failed", ["HSET", "rq:job:a", "status", "failed"]],
  ["is canceled", ["HSET", "rq:job:a", "status", "canceled"]],
  ["is queued again", ["HSET", "rq:job:a", "status", "queued"]],
];

Deno.test.each(DROPPED)(
  "an expired lease whose job %s is just dropped",
  async (_name, command) => {
    await using bench = await Bench.open();
    await bench.add("a");
    await bench.send("DEL", "rq:queue:q");
    await bench.send(command[0]!, ...command.slice(1));
    await bench.send("ZADD", "rq:wip:q", 5, "a:e1");
    const { requeued, failed } = await bench.sweep();
    assertEquals([requeued, failed, await bench.queued()], [[], [], []]);
    assertEquals(await bench.members("rq:wip:q"), []);
  },
);

Deno.test("an expired lease whose job a newer execution runs is just dropped", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("ZADD", "rq:wip:q", 5, "a:older");
  assertEquals((await bench.sweep()).requeued, []);
  assertEquals(await bench.members("rq:wip:q"), [`a:${execution.id}`]);
  assertEquals(await bench.end(worker, execution), "finished");
});

Deno.test("two sweeps at the same time put a job back once", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (let i = 0; i < 20; i++) {
    await bench.add(`job-${i}`);
    await bench.expire(await bench.claim(worker));
  }
  const sweeps = await Promise.all([1, 2, 3, 4].map(() => bench.sweep()));
  assertEquals(sweeps.flatMap(({ requeued }) => requeued).length, 20);
  assertEquals((await bench.queued()).length, 20);
});

/** Started jobs of several workers, whose leases have all run out; in the order in which they left the queue. */
async function abandoned(bench: Bench, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `job-${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id)));
  const workers = await Promise.all(
    ["w9", "w1", "w5"].map((name) => bench.worker(name)),
  );
  const stores = workers.map(() => new WorkerStore(bench.client, bench.keys));
  for (let claimed = 0, turn = 0; claimed < count; turn++) {
    const of = turn % workers.length;
    const { executions } = await stores[of]!.claim(workers[of]!, { jobs: 7 });
    claimed += executions.length;
  }
  const members = await bench.members("rq:wip:q");
  assertEquals(members.length, count);
  await bench.send("ZADD", "rq:wip:q", ...members.flatMap((m) => [1, m]));
  return ids;
}

Deno.test("a pass goes on until no lease is left that has run out, and what left the queue first is at its head again", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 520);
  await bench.add("later");
  const { requeued } = await bench.sweep();
  assertEquals(requeued, ids);
  assertEquals(await bench.queued(), [...ids, "later"]);
  assertEquals(await bench.members("rq:wip:q"), []);
});

Deno.test("what a worker claims while leases are given back is what left the queue first", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 300);
  const worker = await bench.worker("claims");
  const claimed: string[] = [];
  const recovery = bench.sweep();
  while (claimed.length < 300) {
    const { executions } = await bench.workers.claim(worker, { jobs: 3 });
    claimed.push(...executions.map(({ job }) => job.id));
  }
  await recovery;
  assertEquals(claimed, ids);
});

Deno.test("a pass that is to stop does so between two calls, and another one goes on", async () => {
  await using bench = await Bench.open();
  const ids = await abandoned(bench, 300);
  const controller = new AbortController();
  const client = echoing(bench.client, () => {
    if (controller.signal.aborted) return;
    bench.queued().then((queued) => queued.length > 0 && controller.abort());
  });
  const sweeps = new SweepStore(client, bench.keys);
  const { requeued } = await sweeps.recover("q", ABANDONED, controller.signal);
  assert(requeued.length < 300, `${requeued.length}`);
  // Who stopped may be taken for dead; its mark is not in the way for long.
  await waitFor(async () => {
    await bench.sweep();
    return (await bench.queued()).length === 300;
  });
  assertEquals((await bench.queued()).toSorted(), ids.toSorted());
});

const INTERMEDIATE = "rq:queue:q:intermediate";

Deno.test("an id that nobody claims leaves the intermediate list for the head of the queue, after a grace", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.add("b");
  await bench.send("LMOVE", "rq:queue:q", INTERMEDIATE, "LEFT", "LEFT");
  assertEquals((await bench.sweep()).requeued, []);
  assertEquals((await bench.sweep()).requeued, []);
  const seen = `${INTERMEDIATE}:first_seen:a`;
  const ttl = await bench.ttl(seen);
  assert(ttl > 6 && ttl <= 24, `${ttl}`);
  const [now] = await bench.send("TIME") as string[];
  await bench.send("SET", seen, Number(now) - 7, "KEEPTTL");
  assertEquals((await bench.sweep()).requeued, ["a"]);
  assertEquals(await bench.queued(), ["a", "b"]);
  assertEquals(
    (await bench.allKeys()).filter((key) => key.includes("inter")),
    [],
  );
});

Deno.test.each<[string, string[], boolean]>([
  ["is gone", ["DEL", "rq:job:a"], false],
  ["is canceled", ["HSET", "rq:job:a", "status", "canceled"], false],
  ["has finished", ["HSET", "rq:job:a", "status", "finished"], false],
  ["is started, but by nobody who lives", [
    "HSET",
    "rq:job:a",
    "status",
    "started",
  ], true],
])(
  "an id in the intermediate list whose job %s leaves it",
  async (_name, command, queued) => {
    await using bench = await Bench.open();
    await bench.add("a");
    await bench.send("LMOVE", "rq:queue:q", INTERMEDIATE, "LEFT", "LEFT");
    await bench.send(command[0]!, ...command.slice(1));
    await bench.send("SET", `${INTERMEDIATE}:first_seen:a`, 5);
    await bench.sweep();
    assertEquals(await bench.send("EXISTS", INTERMEDIATE), 0);
    assertEquals(await bench.queued(), queued ? ["a"] : []);
  },
);

Deno.test("an id in the intermediate list whose job a Python worker runs stays there", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.send("LMOVE", "rq:queue:q", INTERMEDIATE, "LEFT", "LEFT");
  await bench.send("HSET", "rq:job:a", "status", "started");
  await bench.send("ZADD", "rq:executions:a", 9_999_999_999, "e");
  await bench.send("ZADD", "rq:wip:q", 9_999_999_999, "a:e");
  await bench.send("SET", `${INTERMEDIATE}:first_seen:a`, 5);
  assertEquals((await bench.sweep()).requeued, []);
  assertEquals(await bench.send("LRANGE", INTERMEDIATE, 0, -1), ["a"]);
});

Deno.test("what has expired leaves the finished and failed registries; -1 and +inf stay", async () => {
  await using bench = await Bench.open();
  for (const name of ["finished", "failed"]) {
    await bench.send(
      "ZADD",
      `rq:${name}:q`,
      5,
      "past",
      -1,
      "ever-1",
      "+inf",
      "ever-2",
      9_999_999_999,
      "future",
    );
  }
  await bench.sweep();
  for (const name of ["finished", "failed"]) {
    assertEquals(await bench.members(`rq:${name}:q`), [
      "ever-1",
      "ever-2",
      "future",
    ]);
  }
});

Deno.test("deferred jobs that nobody released are queued; those whose parents have vanished stay, as in RQ; those that are gone are dropped", async () => {
  await using bench = await Bench.open();
  await bench.add("p1");
  await bench.add("p2");
  await bench.add("p3");
  await bench.add("one", { dependsOn: ["p1"] });
  await bench.add("both", { dependsOn: ["p1", "p2"] });
  await bench.add("orphan", { dependsOn: ["p3"] });
  await bench.add("dead", { dependsOn: ["p1"] });
  await bench.send("DEL", "rq:job:dead", "rq:job::dead:dependencies");
  await bench.send("DEL", "rq:job:p3", "rq:job:p3:dependents");
  await bench.send("HSET", "rq:job:p1", "status", "finished"); // who did so died before the release
  await bench.sweep();
  assertEquals(await bench.queued(), ["p1", "p2", "p3", "one"]);
  assertEquals((await bench.members("rq:deferred:q")).toSorted(), [
    "both",
    "orphan",
  ]);
  await bench.send("HSET", "rq:job:p2", "status", "finished");
  await bench.sweep();
  assertEquals((await bench.queued()).at(-1), "both");
  assertEquals(await bench.members("rq:deferred:q"), ["orphan"]);
});

Deno.test("a pass over very many deferred jobs sees all of them", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await bench.add("late");
  for (let i = 0; i < 250; i++) {
    await bench.add(`job-${i}`, { dependsOn: [i < 240 ? "p" : "late"] });
  }
  await bench.send("HSET", "rq:job:late", "status", "finished");
  await bench.sweep();
  assertEquals((await bench.members("rq:deferred:q")).length, 240);
});

Deno.test("an abandoned job's dependents that allow failure are queued, the others stay", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.add("lenient", {
    dependsOn: ["a"],
    fields: { allow_dependency_failures: 1 },
  });
  await bench.add("strict", { dependsOn: ["a"] });
  for (let i = 0; i < 4; i++) {
    await bench.expire(await bench.claim(worker));
    await bench.sweep();
  }
  assertEquals(await bench.queued(), ["lenient"]);
  assertEquals(await bench.status("strict"), "deferred");
});

Deno.test("canceled jobs that are gone leave their registry, also behind one that is kept for ever", async () => {
  await using bench = await Bench.open();
  await bench.send("ZADD", "rq:canceled:q", 1, "kept", 2, "gone");
  await bench.add("kept", { queue: "r" });
  await bench.send("HSET", "rq:job:kept", "status", "canceled");
  await bench.sweep();
  assertEquals(await bench.members("rq:canceled:q"), ["kept"]);
});
