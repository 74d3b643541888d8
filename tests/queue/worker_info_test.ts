/** `WorkerInfo`: the workers in Redis. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerInfo } from "../../lib/queue/worker_info.ts";
import { Desk } from "./support.ts";

Deno.test("WorkerInfo.all() lists workers by name, with what their hashes say", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const queues = ["q", "r"];
  await desk.bench.workers.register(
    { name: "a2", instance: "i", queues },
    480,
    { queues: queues.join(","), hostname: "h", pid: 7, version: "1.2" },
  );
  const [first, second, ...others] = await WorkerInfo.all({ connection });
  assertEquals(others, []);
  assertEquals([first!.name, second!.name], ["a2", "w1"]);
  assertEquals(first!.queues, ["q", "r"]);
  assertEquals([first!.hostname, first!.pid, first!.state], ["h", 7, "idle"]);
  assertEquals(first!.isAlive, true);
  assertEquals(first!.birthDate, first!.lastHeartbeat);
  assertEquals([first!.version, first!.runtime], ["1.2", null]);
});

Deno.test("a worker shows what it runs, and counts what it has run", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const show = async () => {
    const worker = await WorkerInfo.fetch("w1", { connection });
    assert(worker !== null);
    return worker;
  };
  await desk.queue.enqueue("f.g");
  await desk.finish(`1`, { workedMs: 1_500 });
  await desk.queue.enqueue("f.g");
  await desk.fail("E: no", { workedMs: 500 });
  const [a, b] = [
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
  ];
  const reply = await desk.bench.workers.claim(desk.worker, { jobs: 2 });
  assertEquals((await show()).currentJobIds, [b.id]);
  await desk.bench.workers.heartbeat(desk.worker, 480, reply.executions);
  const busy = await show();
  assertEquals(busy.currentJobIds, [a.id, b.id].sort());
  assertEquals(busy.state, "busy");
  const counts = (worker: WorkerInfo) => [
    worker.successfulJobCount,
    worker.failedJobCount,
    worker.totalWorkingTime,
  ];
  assertEquals(counts(busy), [1, 1, 2]);
  for (const execution of reply.executions) {
    await desk.bench.end(desk.worker, execution);
  }
  assertEquals((await show()).currentJobIds, []);
});

Deno.test("the workers of one queue are listed and counted apart", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await desk.bench.worker("w2", ["r"]);
  const names = async (queue: string) =>
    (await WorkerInfo.all({ connection, queue })).map(({ name }) => name);
  assertEquals([await names("q"), await names("r"), await names("s")], [
    ["w1"],
    ["w2"],
    [],
  ]);
  assertEquals(await WorkerInfo.count({ connection }), 2);
  assertEquals(await WorkerInfo.count({ connection, queue: "r" }), 1);
});

Deno.test("a worker that was killed is not alive, one that has left is not listed", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const key = desk.bench.keys.worker("w1");
  await desk.bench.send("HINCRBY", key, "x_heartbeat", -30);
  const [killed] = await WorkerInfo.all({ connection });
  assertEquals(killed?.isAlive, false);
  const left = await desk.bench.worker("w2");
  await desk.bench.workers.deregister(left);
  assertEquals((await WorkerInfo.all({ connection })).length, 1);
  assertEquals(
    (await WorkerInfo.fetch("w2", { connection }))?.isAlive,
    false,
  );
});

Deno.test("a worker of Python counts as alive as long as its hash is there", async () => {
  await using desk = await Desk.open();
  const { bench, queue: { connection } } = desk;
  const key = bench.keys.worker("py");
  await bench.send("SADD", bench.keys.workers, key);
  assertEquals((await WorkerInfo.all({ connection })).length, 1);
  await bench.send("HSET", key, "queues", "q,r", "state", "busy");
  await bench.send("HSET", key, "current_job", "j", "pid", "many");
  const worker = (await WorkerInfo.all({ connection }))[0]!;
  assertEquals([worker.name, worker.isAlive, worker.pid], ["py", true, 0]);
  assertEquals(worker.currentJobIds, ["j"]);
  assertEquals([worker.hostname, worker.birthDate], [null, null]);
});

Deno.test("there may be no workers, and what is no worker is none", async () => {
  await using desk = await Desk.open();
  const { bench, queue: { connection } } = desk;
  assertEquals(await WorkerInfo.fetch("nobody", { connection }), null);
  await bench.send("SET", bench.keys.worker("text"), "text");
  assertEquals(await WorkerInfo.fetch("text", { connection }), null);
  await bench.workers.deregister(desk.worker);
  assertEquals(await WorkerInfo.all({ connection }), []);
  await bench.send("SET", bench.keys.workers, "text");
  assertEquals(await WorkerInfo.all({ connection }), []);
  assertEquals(await WorkerInfo.count({ connection }), 0);
  const mistyped = { connection, queues: "q" };
  await assertRejects(
    () => WorkerInfo.all(mistyped as object),
    TypeError,
    'no option "queues", did you mean "queue"?',
  );
});
