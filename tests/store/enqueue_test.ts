import { assert, assertEquals, assertRejects } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { Bench, echoing, newJob } from "./support.ts";

Deno.test("a job that is enqueued has every field that a Python worker needs", async () => {
  await using bench = await Bench.open();
  const { status, enqueuedAt } = await bench.add("a");
  assertEquals(status, "queued");
  const record = (await bench.jobs.fetch("a"))!;
  assertEquals(
    (["origin", "status", "description", "timeout", "enqueued_at"] as const)
      .map((field) => record.text(field)),
    ["q", "queued", "jobs.f(1)", "180", enqueuedAt],
  );
  assertEquals(record.call, { funcName: "jobs.f", args: [1], kwargs: {} });
  for (const field of ["created_at", "enqueued_at"] as const) {
    const date = record.text(field)!;
    assert(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(date), date);
  }
  assertEquals(await bench.allKeys(), ["rq:job:a", "rq:queue:q", "rq:queues"]);
  assertEquals(await bench.members("rq:queues"), ["rq:queue:q"]);
});

Deno.test("jobs go to the tail, and to the head where that is wanted", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.add("b");
  await bench.add("c", { atFront: true });
  assertEquals(await bench.queued(), ["c", "a", "b"]);
});

Deno.test("a job with a ttl expires in its queue, and its dependencies with it", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await bench.add("a", { ttl: 300, dependsOn: ["p"] });
  for (const key of ["rq:job:a", "rq:job::a:dependencies"]) {
    const ttl = await bench.ttl(key);
    assert(ttl > 295 && ttl <= 300, `${key} ${ttl}`);
  }
  await bench.add("b");
  assertEquals(await bench.ttl("rq:job:b"), -1);
});

const LIVE = ["queued", "started", "deferred", "scheduled", "created", "x"];
const OVER = ["finished", "failed", "stopped", "canceled"];

Deno.test.each(LIVE.map((s) => [s]))(
  "an id that is taken by a job that is %s is refused, and nothing is written",
  async (status) => {
    await using bench = await Bench.open();
    await bench.add("a");
    await bench.send("HSET", "rq:job:a", "status", status);
    const before = await bench.dump();
    const error = await assertRejects(() => bench.add("a"), DuplicateJobError);
    assert(error.message.includes(`a job of this id is ${status}`));
    assertEquals([error.jobId, await bench.dump()], ["a", before]);
  },
);

Deno.test.each(OVER.map((s) => [s]))(
  "an id whose job is %s makes room for a new one, of which nothing is old",
  async (status) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: { meta: "{}", x_old: "1", result_ttl: 5 } });
    if (status === "canceled") await bench.jobs.cancel("a");
    else await bench.run(worker, { outcome: status as "finished" });
    assertEquals(await bench.status("a"), status);
    await bench.add("a", { queue: "r" });
    assertEquals([await bench.status("a"), await bench.field("a", "x_old")], [
      "queued",
      null,
    ]);
    assertEquals(await bench.ttl("rq:job:a"), -1);
    assertEquals(await bench.queued("r"), ["a"]);
    assertEquals((await bench.allKeys()).filter((k) => !/worker/.test(k)), [
      "rq:job:a",
      "rq:queue:r",
      "rq:queues",
    ]);
  },
);

Deno.test("a hash that has no data and no status still takes its id", async () => {
  await using bench = await Bench.open();
  await bench.send("HSET", "rq:job:a", "meta", "{}");
  await assertRejects(() => bench.add("a"), DuplicateJobError, "is there");
});

Deno.test("the same call, sent again after the job has gone on, changes nothing", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const job = newJob("a");
  await bench.jobs.enqueue(job);
  await bench.claim(worker);
  const before = await bench.dump();
  assertEquals((await bench.jobs.enqueue(job)).status, "queued");
  assertEquals(await bench.dump(), before);
});

Deno.test.each(["a", "abc"].map((ids) => [ids]))(
  "%s, enqueued by a call whose reply was lost, is as the first sending left it, and so says the answer",
  async (ids) => {
    await using bench = await Bench.open();
    let after: Record<string, string> | undefined;
    const client = echoing(bench.client, async () => {
      after ??= await bench.dump();
    });
    const store = new JobStore(client, bench.keys);
    const jobs = [...ids].map((id) => newJob(id, { isIdNew: true }));
    const outcomes = jobs.length > 1
      ? await store.enqueueMany(jobs)
      : await Promise.allSettled(jobs.map((job) => store.enqueue(job)));
    assertEquals(await bench.dump(), after);
    for (const [i, outcome] of outcomes.entries()) {
      assert(outcome.status === "fulfilled");
      const enqueuedAt = await bench.field(ids[i]!, "enqueued_at");
      assertEquals(outcome.value, {
        status: "queued",
        enqueuedAt: enqueuedAt!,
      });
    }
  },
);

Deno.test("of two calls with one id, one is refused, however fast they follow each other", async () => {
  await using bench = await Bench.open();
  for (let i = 0; i < 200; i++) {
    const calls = [newJob(`job-${i}`), newJob(`job-${i}`)];
    const outcomes = await Promise.allSettled(
      calls.map((job) => bench.jobs.enqueue(job)),
    );
    assertEquals(outcomes.map(({ status }) => status), [
      "fulfilled",
      "rejected",
    ]);
  }
});

const FOREIGN: [string, string[], string[]][] = [
  ["the job's key", ["SET", "rq:job:a", "x"], []],
  ["the queue's key", ["SET", "rq:queue:q", "x"], []],
  ["the set of queues", ["SET", "rq:queues", "x"], []],
  ["the deferred registry", ["SET", "rq:deferred:q", "x"], ["p"]],
  ["a parent's dependents", ["SET", "rq:job:p:dependents", "x"], ["p"]],
  ["the job's dependencies", ["SET", "rq:job::a:dependencies", "x"], ["p"]],
];

Deno.test.each(FOREIGN)(
  "a foreign value under %s is an error, and nothing is written",
  async (_name, command, dependsOn) => {
    await using bench = await Bench.open();
    if (dependsOn.length > 0) await bench.add("p");
    await bench.send(command[0]!, ...command.slice(1));
    const before = await bench.dump();
    await assertRejects(() => bench.add("a", { dependsOn }), ReplyError);
    assertEquals(await bench.dump(), before);
  },
);

Deno.test("ten thousand jobs are enqueued in their order", async () => {
  await using bench = await Bench.open();
  const ids = Array.from({ length: 10_000 }, (_, i) => `job-${i}`);
  await Promise.all(ids.map((id) => bench.add(id)));
  assertEquals(await bench.queued(), ids);
});
