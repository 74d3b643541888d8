/** What a pool sees of its workers, in a real Redis. */

import { assertEquals } from "@std/assert";
import { Keys } from "../../lib/store/keys.ts";
import { PoolStore } from "../../lib/store/pool_store.ts";
import { PoolWatch } from "../../lib/worker/pool_watch.ts";
import { PoolWorker } from "../../lib/worker/pool_worker.ts";
import { isAlive } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench } from "../e2e/support.ts";

/** A watch of one worker, which is a process that does nothing until its stdin ends. */
async function openStage() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const { client } = stack.use(new Bench(redis.url));
  const worker = new PoolWorker({
    name: "pool.1",
    command: "cat",
    args: [],
    env: {},
  });
  stack.defer(async () => {
    worker.kill();
    await worker.ended;
  });
  const clock = { now: 0 };
  const hanging: string[] = [];
  const watch = new PoolWatch({
    store: new PoolStore(client, new Keys("rq:")),
    queues: ["low"],
    autoscaler: undefined,
    workers: () => [worker],
    onListening: (worker) => worker.isListening(),
    onHanging: ({ name }) => hanging.push(name),
    onScaling: () => {},
    onError: (error) => {
      throw error;
    },
    now: () => clock.now,
  });
  const register = (pid = worker.pid) =>
    client.send("HSET", ["rq:worker:pool.1", "pid", pid, "state", "idle"]);
  return {
    ...{ worker, clock, hanging, watch, register },
    expire: () => client.send("DEL", ["rq:worker:pool.1"]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a worker listens as soon as it is in Redis itself", async () => {
  await using stage = await openStage();
  await stage.watch.runOnce();
  assertEquals(stage.worker.phase, "starting");
  await stage.register(1); // another process of that name
  await stage.watch.runOnce();
  assertEquals(stage.worker.phase, "starting");
  await stage.register();
  await stage.watch.runOnce();
  assertEquals(stage.worker.phase, "listening");
  assertEquals(await stage.worker.listening, true);
});

Deno.test("a worker that is missing for half a minute hangs; one that comes back, or starts, does not", async () => {
  await using stage = await openStage();
  const { clock, watch, hanging } = stage;
  await watch.runOnce();
  clock.now = 100_000;
  await watch.runOnce();
  await stage.register();
  await watch.runOnce();
  await stage.expire();
  await watch.runOnce();
  clock.now += 29_999;
  await watch.runOnce();
  await stage.register();
  await watch.runOnce();
  await stage.expire();
  clock.now += 29_999;
  await watch.runOnce();
  assertEquals(hanging, []);
  clock.now += 30_000;
  await watch.runOnce();
  assertEquals(hanging, ["pool.1"]);
});

Deno.test("a worker leaves when its stdin ends, and can be killed when it does not", async () => {
  await using stage = await openStage();
  stage.worker.leave();
  assertEquals(stage.worker.phase, "leaving");
  const { code, signal } = await stage.worker.ended;
  assertEquals({ code, signal }, { code: 0, signal: null });
  assertEquals(await stage.worker.listening, false);

  const frozen = new PoolWorker({
    name: "pool.2",
    command: "sleep",
    args: ["600"],
    env: {},
  });
  frozen.leave();
  assertEquals(isAlive(frozen.pid), true);
  frozen.kill();
  assertEquals((await frozen.ended).signal, "SIGKILL");
});
