/** The commands that stop jobs, and keep workers from taking them. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { isSuspended } from "../../mod.ts";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

async function stage() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  return {
    redis,
    bench,
    /** What a command prints, and its code if it is not 0. */
    async rq(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await run(args, {
        REDIS_URL: redis.url,
        USER: "ann",
      });
      return `${stdout}${stderr}${code === 0 ? "" : `exit ${code}\n`}`;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("suspend and resume say what RQ's say", async () => {
  await using at = await stage();
  const connection = at.redis.url;
  assertEquals(
    await at.rq("suspend"),
    "Suspending workers.  No new jobs will be started.  But current jobs will be completed\n",
  );
  assertEquals(await isSuspended({ connection }), true);
  assertEquals(await at.rq("resume"), "Resuming workers.\n");
  assertEquals(await isSuspended({ connection }), false);
  assertEquals(await at.rq("resume"), "Workers were not suspended.\n");
  assertStringIncludes(
    await at.rq("suspend", "--duration", "1h"),
    "Suspending workers for 3600 seconds.",
  );
  const left = Number(await at.bench.client.send("TTL", ["rq:suspended"]));
  assert(left > 3_000 && left <= 3_600, `${left} s`);
  assertMatch(await at.rq("suspend", "--duration", "0"), /exit 2\n$/);
});

Deno.test("queue pause, resume, list and delete", async () => {
  await using at = await stage();
  const [high, low] = [at.bench.queue("high"), at.bench.queue("low")];
  await high.enqueue("jobs.nothing");
  await low.enqueue("jobs.nothing");
  await low.enqueueIn("1h", "jobs.nothing");
  assertEquals(await at.rq("queue", "pause", "high"), "high: paused\n");
  assertEquals(
    await at.rq("queue", "pause", "low", "--for", "1h"),
    "low: paused for 3600 seconds\n",
  );
  assertMatch(
    await at.rq("queue", "list"),
    /^queue +queued +started +scheduled +deferred +failed +finished +canceled\nhigh +1 +0 +0 +0 +0 +0 +0 +paused\nlow +1 +0 +1 +0 +0 +0 +0 +paused until \d{4}-\S+Z\n$/,
  );
  const [first, second] = JSON.parse(await at.rq("queue", "list", "--json"));
  assertEquals(
    [first.name, first.count, first.paused, first.pausedUntil],
    ["high", 1, true, null],
  );
  assertEquals([second.name, second.scheduled, second.paused], [
    "low",
    1,
    true,
  ]);
  assertMatch(second.pausedUntil, /^\d{4}-/);
  assertEquals(await at.rq("queue", "resume", "high"), "high: resumed\n");
  assertEquals(
    await at.rq("queue", "resume", "high"),
    "high: was not paused\n",
  );
  assertMatch(await at.rq("queue", "delete", "high"), /--yes[\s\S]*exit 2\n$/);
  assertEquals(await high.count(), 1);
  assertEquals(
    await at.rq("queue", "delete", "high", "low", "--yes"),
    "high: deleted\nlow: deleted\n",
  );
  assertEquals(await at.rq("queue", "list"), "There are no queues\n");
  assertEquals(await low.isPaused(), false);
  for (const what of ["pause", "resume", "delete"]) {
    assertMatch(await at.rq("queue", what), /^Name the queues to .*exit 2\n$/s);
  }
});

Deno.test("job stop waits until jobs have stopped, and tells of each that cannot be stopped", async () => {
  await using at = await stage();
  const job = await at.bench.queue("low").enqueue("jobs.spins", "/dev/null");
  const waiting = await at.bench.queue("other").enqueue("jobs.nothing");
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    at.redis.url,
  ]);
  await at.bench.hasStatus(job.id, "started");
  assertEquals(
    await at.rq(
      "job",
      "stop",
      job.id,
      waiting.id,
      "none",
      "--reason",
      "a test",
    ),
    `${job.id}: stopped\n` +
      `${waiting.id}: Cannot stop job "${waiting.id}": it is queued, not started\n` +
      `none: No such job "none": it never existed, was deleted or has expired\n` +
      "exit 1\n",
  );
  await job.refresh();
  assertEquals([job.status, job.stoppedBy?.reason], ["stopped", "a test"]);
  assertMatch(job.stoppedBy?.by ?? "", /^ann@.+$/);
  assertMatch(await at.rq("job", "stop"), /^Name the jobs to stop.*exit 2\n$/s);
  assertMatch(await at.rq("job", "stop", "a b"), /exit 2\n$/);
});
