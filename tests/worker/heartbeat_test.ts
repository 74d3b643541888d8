/** The heartbeat keeps leases, and shows what a worker runs to RQ's monitors. */

import { assertEquals } from "@std/assert";
import { Heartbeat } from "../../lib/worker/heartbeat.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { Bench } from "../store/support.ts";

async function stage() {
  const bench = await Bench.open();
  const worker = await bench.worker();
  let now = 1_000;
  const inHand = new InHand(() => now);
  const told = { registered: 0, replaced: 0 };
  const heartbeat = new Heartbeat({
    store: bench.workers,
    identity: worker,
    inHand,
    interval: 3_600_000,
    workerTtl: 60,
    register: () => Promise.resolve(void told.registered++),
    onReplaced: () => told.replaced++,
    onError: (error) => {
      throw error;
    },
  });
  const take = async (id: string) => {
    await bench.add(id);
    const execution = await bench.claim(worker);
    inHand.add(execution);
    inHand.begin();
    return execution;
  };
  return {
    bench,
    inHand,
    heartbeat,
    told,
    take,
    pass: (ms: number) => now += ms,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

Deno.test("a job is shown as the worker's half a second after it was taken, not before, and only once so early", async () => {
  await using at = await stage();
  await at.heartbeat.runOnce(); // that of the worker itself; the next one is an hour away
  const execution = await at.take("a");
  const shown = () => at.bench.members("rq:worker:w1:executions");
  at.pass(499);
  await at.heartbeat.runOnce();
  assertEquals(await shown(), []);
  at.pass(1);
  await at.heartbeat.runOnce();
  assertEquals(await shown(), [`a:${execution.id}`]);
  const key = `rq:execution:a:${execution.id}`;
  assertEquals(await at.bench.send("HGET", key, "worker_name"), "w1");
  await at.bench.send("DEL", key);
  at.pass(10_000);
  await at.heartbeat.runOnce();
  assertEquals(await at.bench.send("EXISTS", key), 0);
});

Deno.test("what is shown is gone with the end of the job", async () => {
  await using at = await stage();
  const execution = await at.take("a");
  await at.heartbeat.runOnce();
  const worker = { name: "w1", instance: "i-w1", queues: ["q"] };
  await at.bench.end(worker, execution);
  assertEquals(await at.bench.members("rq:worker:w1:executions"), []);
  assertEquals(await at.bench.members("rq:executions:a"), []);
});

Deno.test("a job whose lease is lost is killed, the others go on", async () => {
  await using at = await stage();
  const a = await at.take("a");
  const b = await at.take("b");
  await at.bench.jobs.cancel("a");
  assertEquals(await at.heartbeat.runOnce(), 1);
  assertEquals(at.inHand.abortedBy(a), "lost");
  assertEquals(at.inHand.abortedBy(b), undefined);
});

Deno.test("a worker whose hash has expired registers anew, one whose name is taken is told", async () => {
  await using at = await stage();
  await at.bench.send("DEL", "rq:worker:w1");
  await at.heartbeat.runOnce();
  assertEquals(at.told, { registered: 1, replaced: 0 });
  await at.bench.send("HSET", "rq:worker:w1", "x_instance", "another");
  await at.heartbeat.beat([]);
  assertEquals(at.told, { registered: 1, replaced: 1 });
});
