import { assert, assertEquals } from "@std/assert";
import { Bench } from "./support.ts";

const FIELDS = { hostname: "h", pid: 7 };

Deno.test("a worker that registers is in RQ's sets, with a time to live", async () => {
  await using bench = await Bench.open();
  const worker = { name: "w", instance: "i", queues: ["q", "r"] };
  assertEquals(await bench.workers.register(worker, 480, FIELDS), null);
  assertEquals(await bench.members("rq:workers"), ["rq:worker:w"]);
  assertEquals(await bench.members("rq:workers:q"), ["rq:worker:w"]);
  assertEquals(await bench.members("rq:workers:r"), ["rq:worker:w"]);
  const ttl = await bench.ttl("rq:worker:w");
  assert(ttl > 475 && ttl <= 480, `${ttl}`);
  for (const field of ["birth", "last_heartbeat"]) {
    const date = String(await bench.send("HGET", "rq:worker:w", field));
    assert(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(date), date);
  }
  assertEquals(await bench.send("HGET", "rq:worker:w", "state"), "idle");
});

Deno.test("a name that a living worker has is refused, and nothing is written", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w");
  const before = await bench.dump();
  const other = { ...worker, instance: "other", queues: ["z"] };
  const taken = await bench.workers.register(other, 480, FIELDS);
  assertEquals([taken?.hostname, taken?.pid], ["h", "7"]);
  assert(taken!.lastHeartbeat.endsWith("Z"));
  assertEquals(await bench.dump(), before);
});

Deno.test.each<[string, string[], boolean]>([
  ["of ours has been silent for 21 seconds", ["x_heartbeat", "-21"], true],
  ["of ours has been silent for 10 seconds", ["x_heartbeat", "-10"], false],
  ["has left", ["death", "2026-01-01T00:00:00.000000Z"], true],
])(
  "the name of a worker that %s can be taken: %s",
  async (_name, [field, value], free) => {
    await using bench = await Bench.open();
    const worker = await bench.worker("w");
    const [now] = await bench.send("TIME") as string[];
    const at = field === "death" ? value! : Number(now) + Number(value);
    await bench.send("HSET", "rq:worker:w", field!, at, "old", "1");
    const other = { ...worker, instance: "other" };
    const taken = await bench.workers.register(other, 480, FIELDS);
    assertEquals(taken === null, free);
    if (free) {
      assertEquals(await bench.send("HGET", "rq:worker:w", "old"), null);
      const { worker: state } = await bench.workers.heartbeat(worker, 480, []);
      assertEquals(state, "replaced");
    }
  },
);

Deno.test("the name of a Python worker is taken as long as its hash exists", async () => {
  await using bench = await Bench.open();
  const key = "rq:worker:py";
  const old = "2020-01-01T00:00:00.000000Z";
  await bench.send("HSET", key, "birth", old, "last_heartbeat", old);
  const worker = { name: "py", instance: "i", queues: ["q"] };
  assert(await bench.workers.register(worker, 480, FIELDS) !== null);
  await bench.send("DEL", key);
  assertEquals(await bench.workers.register(worker, 480, FIELDS), null);
});

Deno.test("a worker that leaves is out of the sets at once, its hash stays a minute", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w", ["q", "r"]);
  await bench.workers.deregister(worker);
  assertEquals(await bench.allKeys(), ["rq:worker:w"]);
  assert(await bench.ttl("rq:worker:w") <= 60);
  assert(await bench.send("HGET", "rq:worker:w", "death") !== null);
});

Deno.test("a worker whose name another has taken does not take that one out", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w");
  const before = await bench.dump();
  const late = { ...worker, instance: "late" };
  await bench.workers.deregister(late);
  await bench.workers.setWorkerFields(late, { state: "suspended" });
  assertEquals(await bench.dump(), before);
  await bench.workers.setWorkerFields(worker, { state: "suspended" });
  assertEquals(await bench.send("HGET", "rq:worker:w", "state"), "suspended");
});

Deno.test("workers whose hash has expired are dropped from every set", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.add("b", { queue: "r" });
  await bench.worker("alive", ["q", "r"]);
  await bench.worker("dead", ["q", "r"]);
  await bench.send("DEL", "rq:worker:dead");
  assertEquals(await bench.dropDeadWorkers(), ["dead"]);
  for (const key of ["rq:workers", "rq:workers:q", "rq:workers:r"]) {
    assertEquals(await bench.members(key), ["rq:worker:alive"]);
  }
  assertEquals(await bench.dropDeadWorkers(), []);
});

Deno.test("hundreds of dead workers are dropped in one pass", async () => {
  await using bench = await Bench.open();
  const keys = Array.from({ length: 300 }, (_, i) => `rq:worker:w${i}`);
  await bench.send("SADD", "rq:workers", ...keys);
  const dropped = (await bench.dropDeadWorkers()).length;
  assertEquals([dropped, await bench.members("rq:workers")], [300, []]);
});

Deno.test("a worker counts what it did, in RQ's fields", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c", "d"]) await bench.add(id);
  await bench.run(worker, { workedMs: 1_500 });
  await bench.run(worker, { workedMs: 500 });
  await bench.run(worker, { outcome: "failed", workedMs: 250 });
  const execution = await bench.claim(worker);
  const current = await bench.send(
    "HMGET",
    "rq:worker:w1",
    "state",
    "current_job",
  );
  assertEquals(current, ["busy", "d"]);
  await bench.end(worker, execution, { outcome: "requeued" });
  assertEquals(
    await bench.send(
      "HMGET",
      "rq:worker:w1",
      "successful_job_count",
      "failed_job_count",
      "total_working_time",
      "state",
      "current_job",
    ),
    ["2", "1", "2.25", "idle", null],
  );
});

Deno.test("a live worker's lease is not taken for that of a dead one, a dead worker's last one is found again", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.takeAway(execution);
  await bench.dropDeadWorkers();
  assertEquals(await bench.members("rq:wip:q"), []);
  await bench.send("HSET", "rq:worker:w1", "x_heartbeat", 5); // long ago
  await bench.dropDeadWorkers();
  await bench.sweep();
  assertEquals(await bench.queued(), ["a"]);
});
