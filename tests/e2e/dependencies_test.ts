import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dependency, type Job } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** Enqueues jobs with dependencies that append their names to the ledger. */
function graph(bench: Bench, ledger: Ledger) {
  return (
    name: string,
    dependsOn: Job[] | ReturnType<typeof dependency> = [],
    options: { queue?: string; func?: string; resultTtl?: number } = {},
  ): Promise<Job> => {
    const { queue = "low", func = "jobs.note", resultTtl } = options;
    return bench.queue(queue).enqueueCall({
      func,
      args: func === "jobs.note" ? [ledger.path, name] : [name],
      dependsOn,
      jobId: name,
      ...(resultTtl === undefined ? {} : { resultTtl }),
    });
  };
}

Deno.test("jobs run after all their parents, in a cascade over several queues", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const add = graph(bench, ledger);
  const a = await add("a");
  const b = await add("b", [a]);
  const c = await add("c", [a], { queue: "high" });
  const d = await add("d", [b, c]);
  const e = await add("e", [a, d]);
  assertEquals(await Promise.all([a, b, c, d, e].map((j) => j.getStatus())), [
    "queued",
    "deferred",
    "deferred",
    "deferred",
    "deferred",
  ]);
  await burst(["high", "low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["a", "c", "b", "d", "e"]);
  for (const job of [a, b, c, d, e]) {
    assertEquals(await job.getStatus(), "finished");
  }
  const { client } = bench;
  assertEquals(await client.send("KEYS", ["*:dependents"]), []);
  for (const key of await client.send("KEYS", ["*:dependencies"]) as string[]) {
    const ttl = Number(await client.send("TTL", [key]));
    assert(ttl > 0, `${key} would stay for ever`);
  }
  assertEquals(await bench.client.send("ZCARD", ["rq:deferred:low"]), 0);
});

Deno.test("a parent that keeps no result releases its child", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const add = graph(bench, ledger);
  const a = await add("a", [], { resultTtl: 0 });
  const b = await add("b", [a], { resultTtl: 0 });
  await add("c", [b, a]);
  await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["a", "b", "c"]);
  assertEquals(await a.getStatus(), null);
});

Deno.test("the child of a failed parent waits, and runs once the parent was queued again and finished", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const parent = await low.enqueue("jobs.failsUntil", 2);
  const child = await low.enqueueCall({
    func: "jobs.note",
    args: [ledger.path, "child"],
    dependsOn: parent,
  });
  await burst(["low", "--url", redis.url]);
  assertEquals(await child.getStatus(), "deferred");
  await parent.requeue();
  await burst(["low", "--url", redis.url]);
  assertEquals(await child.getStatus(), "finished");
  assertEquals(ledger.lines(), ["child"]);
});

Deno.test("allowFailure runs a child once its parents have ended, however they did", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const add = graph(bench, ledger);
  const bad = await add("bad", [], { func: "jobs.fails" });
  const good = await add("good");
  await add("strict", [bad, good]);
  await add("lenient", dependency([bad, good], { allowFailure: true }));
  await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["good", "lenient"]);
});

Deno.test("atFront puts a released child before those that wait", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const add = graph(bench, ledger);
  const a = await add("a");
  await add("waiting");
  await add("child", dependency([a], { atFront: true }));
  await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["a", "child", "waiting"]);
});

Deno.test("a job added by a job can depend on another one of its own", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueue("jobs.chain", ledger.path);
  await burst(["low", "--url", redis.url]);
  assertEquals(ledger.lines(), ["first", "second"]);
});

Deno.test("a parent with a thousand children releases all of them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const parent = await low.enqueue("jobs.add", 1, 2);
  await bench.queue("later").enqueueMany(
    Array.from({ length: 1_000 }, () => ({
      func: "jobs.nothing",
      dependsOn: parent,
    })),
  );
  assertEquals(await bench.queue("later").count(), 0);
  await burst(["low", "--url", redis.url]);
  assertEquals(await bench.queue("later").count(), 1_000);
  assertEquals(await bench.client.send("ZCARD", ["rq:deferred:later"]), 0);
});

Deno.test("a stopped parent does not release its children", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const add = graph(bench, ledger);
  const a = await add("a");
  const child = await add("child", [a]);
  await a.cancel();
  await burst(["low", "--url", redis.url]);
  assertEquals(await child.getStatus(), "deferred");
  assertEquals(ledger.lines(), []);
});

const POLICIES = ["wait", "fail", "cancel", "run"] as const;

Deno.test.each([
  ["fails", "has failed"],
  ["is stopped while it runs", "was stopped"],
  ["is canceled while it runs", "was canceled"],
  ["is deleted while it runs", "is gone"],
])(
  "a job whose parent %s does what its dependency says, and then what its own time says",
  async (how, words) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const low = bench.queue("low");
    const gate = `${ledger.path}.gate`;
    const parent = how === "fails"
      ? await low.enqueue("jobs.fails", "bad")
      : await low.enqueue("jobs.noteOnce", ledger.path, "parent", gate);
    const children = await low.enqueueMany(POLICIES.map((ifParentFails) => ({
      func: "jobs.note",
      args: [ledger.path, ifParentFails],
      dependsOn: dependency(parent, { ifParentFails }),
      in: 0.5,
    })));
    const [waits, fails, cancels, runs] = children;
    await using _worker = new WorkerProcess(["low", "--url", redis.url]);
    if (how !== "fails") {
      await bench.hasStatus(parent.id, "started");
      const channel = `rq:pubsub:${await bench.field(
        `rq:job:${parent.id}`,
        "worker_name",
      )}`;
      const command = { command: "stop-job", job_id: parent.id };
      if (words === "was canceled") await parent.cancel();
      else if (words === "is gone") await parent.delete();
      else {
        await bench.client.send("PUBLISH", [channel, JSON.stringify(command)]);
      }
    }
    assertEquals(await runs!.wait({ timeout: 60 }), "run");
    const error = await fails!.wait({ timeout: 60 }).catch(String);
    assertStringIncludes(error as string, words);
    assertEquals(await cancels!.getStatus(), "canceled");
    assertEquals(await waits!.getStatus(), "deferred");
    assert(!ledger.lines().includes("cancel"));
  },
);
