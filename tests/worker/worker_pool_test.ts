/** A pool in a program of one's own. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { CannotStartError } from "../../lib/worker/errors.ts";
import {
  WorkerPool,
  type WorkerPoolOptions,
} from "../../lib/worker/worker_pool.ts";
import { runFlags } from "../support/deno_flags.ts";
import { isAlive } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";

/** Options of a pool whose workers start as this process did, and log nothing. */
function optionsFor(redis: RedisServer): WorkerPoolOptions {
  const [name, map] = runFlags();
  return {
    connection: redis.url,
    workerFlags: ["--logging-level=CRITICAL"],
    workerDenoArgs: map ? [`${name}=${map}`] : [],
  };
}

Deno.test("a pool tells which workers there are, and stops them at the end of its scope", async () => {
  await using redis = await RedisServer.start();
  let pids: number[];
  let started: Promise<void>;
  {
    await using pool = new WorkerPool("low", {
      ...optionsFor(redis),
      name: "mail",
    });
    assertEquals(pool.workers, []);
    started = pool.start();
    assertEquals(await pool.listening, true);
    await waitFor(() =>
      pool.workers.length === 2 &&
      pool.workers.every(({ phase }) => phase === "listening")
    );
    assertEquals(pool.workers.map(({ name }) => name), ["mail.1", "mail.2"]);
    pids = pool.workers.map(({ pid }) => pid);
    assertEquals(pids.every(isAlive), true);
    await assertRejects(() => pool.start(), TypeError, "was called before");
  }
  await started;
  assertEquals(pids.some(isAlive), false);
});

Deno.test("the signal of a pool stops it, and a restart afterwards does nothing", async () => {
  await using redis = await RedisServer.start();
  const stop = new AbortController();
  await using pool = new WorkerPool("low", {
    ...optionsFor(redis),
    numWorkers: 1,
    signal: stop.signal,
  });
  const started = pool.start();
  await waitFor(() => pool.workers[0]?.phase === "listening");
  stop.abort();
  await pool.restart();
  await started;
  assertEquals(pool.workers, []);
});

Deno.test("a pool that is disposed without having started is nothing but closed", async () => {
  await using redis = await RedisServer.start();
  await using pool = new WorkerPool("low", { connection: redis.url });
  assertEquals(pool.workers, []);
});

Deno.test("a program that does not exist is told", async () => {
  await using redis = await RedisServer.start();
  await using pool = new WorkerPool("low", {
    connection: redis.url,
    workerCommand: ["no-such-program"],
  });
  await assertRejects(
    () => pool.start(),
    CannotStartError,
    "cannot be started: NotFound",
  );
  assertEquals(await pool.listening, false);
});

Deno.test.each(
  [
    [{ numWorkers: 0 }, RangeError, "Cannot use numWorkers 0"],
    [{ numWorkers: { min: 3, max: 2 } }, RangeError, "numWorkers 3..2"],
    [{ numWorker: 3 }, TypeError, 'did you mean "numWorkers"?'],
    [{ concurrency: 0 }, RangeError, "concurrency 0"],
    [{ name: "a b" }, RangeError, 'worker name "a b"'],
    [
      { workerDenoArgs: ["map"] },
      TypeError,
      'Cannot pass "map" to the deno of',
    ],
    [{ connectTimeout: 3 }, TypeError, "connectTimeout cannot be passed on"],
  ] as const,
)("the options %o of a pool are refused", (options, kind, says) => {
  assertThrows(
    () => new WorkerPool("low", options as WorkerPoolOptions),
    kind as ErrorConstructor,
    says,
  );
});

Deno.test("an open connection is refused: the workers could not use it", async () => {
  await using redis = await RedisServer.start();
  await using connection = connect(redis.url);
  assertThrows(
    () => new WorkerPool("low", { connection }),
    TypeError,
    "need a URL",
  );
});
