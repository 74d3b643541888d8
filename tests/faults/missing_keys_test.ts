import { assertEquals, assertNotEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { Fleet, kill } from "./support.ts";

/** A worker that is running a job, and another one that listens on another queue. */
async function busyFleet() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const ledger = stack.use(new Ledger());
  const gate = `${ledger.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  const fleet = stack.use(new Fleet(redis.url));
  const job = await bench.queue("low").enqueue(
    "jobs.noteOnce",
    ledger.path,
    "done",
    gate,
  );
  const flags = [
    "--job-monitoring-interval",
    "1",
    "--maintenance-interval",
    "1",
  ];
  const worker = await fleet.listening("low", "--name", "w1", ...flags);
  await waitFor(() => ledger.lines().length === 1);
  return {
    bench,
    fleet,
    flags,
    job,
    ledger,
    worker,
    open: () => Deno.writeTextFile(gate, ""),
    /** Lets the lease end now, as if its worker had been silent for long. */
    endLease: async () => {
      const [member] = await bench.client.send("ZRANGE", [
        "rq:wip:low",
        0,
        -1,
      ]) as string[];
      await bench.client.send("ZADD", ["rq:wip:low", "XX", 1, member ?? ""]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a job whose lease somebody removes is not lost", async () => {
  await using busy = await busyFleet();
  await busy.bench.client.send("DEL", ["rq:wip:low"]);
  const probe = await busy.bench.queue("other").enqueue("jobs.add", 1, 2);
  await busy.fleet.listening("other", ...busy.flags);
  await probe.wait({ timeout: 10 });
  await busy.open();
  assertEquals(await busy.job.wait({ timeout: 30 }), "done");
});

Deno.test("a job of a dead worker whose record is gone too is put back", async () => {
  await using busy = await busyFleet();
  await kill(busy.worker);
  await busy.bench.client.send("DEL", ["rq:worker:w1", "rq:workers"]);
  await busy.endLease();
  await busy.fleet.listening("other", ...busy.flags);
  await busy.bench.hasStatus(busy.job.id, "queued");
});

Deno.test("a job of a dead worker is put back although its queue was forgotten", async () => {
  await using busy = await busyFleet();
  await busy.bench.queue("low").delete();
  await kill(busy.worker);
  await busy.endLease();
  await busy.open();
  await busy.fleet.listening("low", ...busy.flags);
  assertEquals(await busy.job.wait({ timeout: 20 }), "done");
});

Deno.test("a worker whose record is deleted writes it again and keeps its job", async () => {
  await using busy = await busyFleet();
  const { client } = busy.bench;
  await client.send("DEL", ["rq:worker:w1", "rq:workers", "rq:workers:low"]);
  await waitFor(async () =>
    await busy.bench.field("rq:worker:w1", "queues") === "low"
  );
  await waitForEqual<unknown>(() => client.send("SMEMBERS", ["rq:workers"]), [
    "rq:worker:w1",
  ]);
  await busy.open();
  assertEquals(await busy.job.wait({ timeout: 10 }), "done");
  assertEquals(busy.ledger.lines(), ["began done", "done"]);
});

Deno.test("a job whose executions are deleted goes on", async () => {
  await using busy = await busyFleet();
  const { client } = busy.bench;
  const key = `rq:executions:${busy.job.id}`;
  await waitFor(async () => await client.send("EXISTS", [key]) === 1);
  const keys = await client.send("KEYS", ["rq:execution*"]) as string[];
  assertNotEquals(keys, []);
  await client.send("DEL", keys);
  await waitFor(async () => await client.send("EXISTS", [key]) === 1);
  await busy.open();
  assertEquals(await busy.job.wait({ timeout: 60 }), "done");
  await waitForEqual<unknown>(() => client.send("KEYS", ["rq:execution*"]), []);
});

Deno.test("a Redis that keeps everything loses nothing when it is killed under load", async () => {
  const dir = await Deno.makeTempDir();
  const args = ["--appendonly", "yes", "--appendfsync", "always", "--dir", dir];
  {
    await using redis = await RedisServer.start({ args });
    await using bench = new Bench(redis.url);
    await using fleet = new Fleet(redis.url);
    using ledger = new Ledger();
    await fleet.listening("low");
    await fleet.listening("low", "--concurrency", "4");
    const total = 200;
    const low = bench.queue("low");
    const ids = Array.from({ length: total }, (_, i) => `job-${i}`);
    for (const [i, jobId] of ids.entries()) {
      await low.enqueueCall({
        func: "jobs.note",
        args: [ledger.path, jobId],
        jobId,
      });
      if (i % 50 !== 25) continue;
      await redis.kill();
      await redis.restart();
    }
    await waitFor(
      async () =>
        await bench.client.send("ZCARD", ["rq:finished:low"]) === total,
    );
    assertEquals([...ledger.counts().keys()].toSorted(), ids.toSorted());
    assertEquals(ledger.lines().length, total);
  }
  await Deno.remove(dir, { recursive: true });
});
