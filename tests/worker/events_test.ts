/** What a worker tells the program that embeds it. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Worker, type WorkerEvent, type WorkerOptions } from "../../worker.ts";
import { isFile } from "../../lib/base/files.ts";
import { Bench, JOBS } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";

function worker(redis: RedisServer, options: WorkerOptions = {}): Worker {
  return new Worker("low", {
    connection: redis.url,
    paths: [JOBS],
    ...options,
  });
}

/** Events as words: the type, the job, and how it ended. */
function brief(event: WorkerEvent): string {
  switch (event.type) {
    case "claimed":
    case "started":
      return `${event.type} ${event.jobId}`;
    case "ended":
      return `ended ${event.jobId} ${event.outcome}`;
    default:
      return event.type;
  }
}

Deno.test("Worker.events() tells of each job its claim, start and end, until the worker has ended", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  await queue.enqueueCall({ func: "jobs.add", args: [1, 2], jobId: "a" });
  await queue.enqueueCall({
    func: "jobs.fails",
    args: ["no"],
    jobId: "b",
    retry: { max: 1, interval: "1h" },
  });
  await using burst = worker(redis, { burst: true });
  const following = Array.fromAsync(burst.events());
  await burst.work();
  const events = await following;
  assertEquals(events.map(brief), [
    "listening",
    "claimed a",
    "started a",
    "ended a finished",
    "claimed b",
    "started b",
    "ended b scheduled",
  ]);
  const ended = events[3]!;
  assertEquals(
    ended.type === "ended" &&
      [ended.queue, ended.funcName, ended.attempt, ended.durationMs >= 0],
    ["low", "jobs.add", 1, true],
  );
  assertEquals(await Array.fromAsync(burst.events()), []);
});

Deno.test("Worker.events() tells of a shutdown, and of what is put back", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const directory = await Deno.makeTempDir();
  await using stopped = worker(redis);
  const following = Array.fromAsync(stopped.events());
  const working = stopped.work();
  const file = `${directory}/started`;
  const { id } = await bench.queue("low").enqueue("jobs.blocks", file, 60);
  await waitFor(() => isFile(file));
  stopped.stopNow();
  await working;
  assertEquals((await following).map(brief), [
    "listening",
    `claimed ${id}`,
    `started ${id}`,
    "stopping",
    "stopping",
    `ended ${id} requeued`,
  ]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Worker.events() tells that the connection is lost, and there again", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using listening = worker(redis);
  const events = listening.events();
  const working = listening.work();
  assertEquals((await events.next()).value.type, "listening");
  await bench.client.send("CLIENT", ["KILL", "TYPE", "normal"])
    .catch(() => undefined);
  const seen = [(await events.next()).value, (await events.next()).value];
  assertEquals(seen.map(brief), ["disconnected", "connected"]);
  listening.stop();
  await working;
});

Deno.test("following a worker ends with its signal, and refuses unknown options", async () => {
  await using idle = new Worker("low", { connection: "redis://127.0.0.1:1" });
  const controller = new AbortController();
  const next = idle.events({ signal: controller.signal }).next();
  controller.abort(new Error("enough"));
  await assertRejects(() => next, Error, "enough");
  assertThrows(
    () => idle.events({ signl: 1 } as never),
    TypeError,
    'did you mean "signal"',
  );
});
