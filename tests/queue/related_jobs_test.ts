/** What a job says about other jobs, about its place on the queue, and about its runs. */

import { assert, assertEquals } from "@std/assert";
import { dependency } from "../../lib/job/dependency.ts";
import { Desk } from "./support.ts";

Deno.test("dependents() and dependentIds() have the jobs that wait for it", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("f.g");
  assertEquals(await parent.dependentIds(), []);
  const calls = Array.from({ length: 450 }, (_, i) => ({
    func: "f.g",
    args: [i],
    dependsOn: parent,
  }));
  const children = await desk.queue.enqueueMany(calls);
  const ids = children.map(({ id }) => id).sort();
  assertEquals((await parent.dependentIds()).sort(), ids);
  await children[7]!.delete();
  const found = await Array.fromAsync(parent.dependents());
  assertEquals(found.length, 449);
  assert(found.every(({ status }) => status === "deferred"));
  await desk.finish();
  assertEquals(await parent.dependentIds(), []);
});

Deno.test("dependencies() has the jobs that it was told to wait for, as far as they are there", async () => {
  await using desk = await Desk.open();
  const parents = [];
  for (let i = 0; i < 3; i++) parents.push(await desk.queue.enqueue("f.g", i));
  const child = await desk.queue.enqueueCall({
    func: "f.h",
    dependsOn: parents,
  });
  await desk.finish();
  await parents[1]!.delete();
  const found = await Array.fromAsync(child.dependencies());
  assertEquals(found.map(({ id, status }) => [id, status]), [
    [parents[0]!.id, "finished"],
    [parents[2]!.id, "queued"],
  ]);
  assertEquals(await Array.fromAsync(parents[0]!.dependencies()), []);
});

Deno.test("dependenciesAreMet() says whether a parent keeps it waiting", async () => {
  await using desk = await Desk.open();
  const [one, two] = [
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
  ];
  const child = await desk.queue.enqueueCall({
    func: "f.h",
    dependsOn: [one, two],
  });
  assertEquals(await one.dependenciesAreMet(), true);
  assertEquals(await child.dependenciesAreMet(), false);
  await desk.finish();
  assertEquals(await child.dependenciesAreMet(), false);
  await desk.finish();
  assertEquals(await child.dependenciesAreMet(), true);
  assertEquals(await child.getStatus(), "queued");
});

Deno.test("dependenciesAreMet() heeds what becomes of the job if a parent fails", async () => {
  await using desk = await Desk.open();
  const other = await desk.queue.enqueueCall({ func: "f.g", in: "1h" });
  const lenient = await desk.queue.enqueue("f.g");
  const strict = await desk.queue.enqueue("f.g");
  const waiting = async (options: Parameters<typeof dependency>[1]) =>
    await desk.queue.enqueueCall({
      func: "f.h",
      dependsOn: [dependency(lenient, options), other],
    });
  const runs = await waiting({ ifParentFails: "run" });
  const waits = await waiting({ ifParentFails: "wait" });
  const strictly = await desk.queue.enqueueCall({
    func: "f.h",
    dependsOn: [strict],
  });
  await desk.fail();
  await desk.fail();
  assertEquals(await strictly.dependenciesAreMet(), false);
  await other.delete();
  assertEquals(await runs.dependenciesAreMet(), true);
  assertEquals(await waits.dependenciesAreMet(), false);
});

Deno.test("position() counts the jobs before it on its queue", async () => {
  await using desk = await Desk.open();
  const jobs = [
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueueCall({ func: "f.g", atFront: true }),
  ];
  const later = await desk.queue.enqueueCall({ func: "f.g", in: "1h" });
  const positions = () => Promise.all(jobs.map((job) => job.position()));
  assertEquals(await positions(), [1, 2, 0]);
  assertEquals(await later.position(), null);
  await desk.finish();
  assertEquals(await positions(), [0, 1, null]);
  await desk.bench.send("DEL", desk.bench.keys.queue("q"));
  await desk.bench.send("SET", desk.bench.keys.queue("q"), "text");
  assertEquals(await jobs[1]!.position(), null);
});

Deno.test("position() finds a job in a queue of 300,000, wherever it is", async () => {
  await using desk = await Desk.open();
  const key = desk.bench.keys.queue("q");
  const jobs = [];
  for (const before of [0, 60_000, 90_000, 100_000, 50_000]) {
    const ids = Array.from({ length: before }, (_, i) => `x${i}`);
    for (let at = 0; at < ids.length; at += 10_000) {
      await desk.bench.send("RPUSH", key, ...ids.slice(at, at + 10_000));
    }
    jobs.push(await desk.queue.enqueue("f.g"));
  }
  assertEquals(await Promise.all(jobs.map((job) => job.position())), [
    0,
    60_001,
    150_002,
    250_003,
    300_004,
  ]);
  const gone = await desk.queue.enqueueCall({ func: "f.g", in: "1h" });
  assertEquals(await gone.position(), null);
});

Deno.test("executions() has the run of a started job, before and after its first heartbeat", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(await job.executions(), []);
  const execution = await desk.bench.claim(desk.worker);
  await job.refresh();
  const expected = {
    id: execution.id,
    jobId: job.id,
    workerName: "w1",
    createdAt: job.startedAt,
  };
  assertEquals(await job.executions(), [
    { ...expected, lastHeartbeat: job.startedAt },
  ]);
  assertEquals(job.lastHeartbeat, null);
  await desk.bench.workers.heartbeat(desk.worker, 480, [execution]);
  const [beating, ...others] = await job.executions();
  await job.refresh();
  assert(job.lastHeartbeat !== null);
  assertEquals(beating, { ...expected, lastHeartbeat: job.lastHeartbeat });
  assertEquals(others, []);
  await desk.bench.end(desk.worker, execution);
  assertEquals(await job.executions(), []);
});

Deno.test("status, retriesLeft, repeatsLeft and ttl are those of when the job was read", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({
    func: "f.g",
    retry: 3,
    repeat: { times: 2, interval: "1m" },
    ttl: "1h",
  });
  const facts = () => [job.status, job.retriesLeft, job.repeatsLeft, job.ttl];
  assertEquals(facts(), ["queued", 3, 2, 3_600]);
  await desk.fail();
  await desk.bench.claim(desk.worker);
  assertEquals(facts(), ["queued", 3, 2, 3_600]);
  await job.refresh();
  assertEquals(facts(), ["started", 2, 2, 3_600]);
  const plain = await desk.queue.enqueue("f.g");
  assertEquals([plain.retriesLeft, plain.repeatsLeft, plain.ttl], [
    null,
    null,
    null,
  ]);
});
