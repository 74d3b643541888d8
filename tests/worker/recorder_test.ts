/** How the end of an execution is stored, over a real Redis that may refuse it. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  ConnectionLostError,
  type RedisClient,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import { RELEASE_DEPENDENTS } from "../../lib/store/scripts/release_dependents.ts";
import type { End } from "../../lib/store/worker_types.ts";
import { releasedEnd } from "../../lib/worker/ends.ts";
import { FakeClock, turn } from "../support/fake_clock.ts";
import { waitFor } from "../support/wait_for.ts";
import { echoing, newJob } from "../store/support.ts";
import { Stage } from "./stage.ts";

/** The end of a job that has begun on a stage, and is over. */
async function ended(
  stage: Stage,
  id = "a",
  ending: Partial<End> = {},
): Promise<End> {
  const { execution } = await stage.begun(id);
  const end: End = {
    execution,
    outcome: "finished",
    ttl: 500,
    payload: btoa("42"),
    workedMs: 1,
    ...ending,
  };
  stage.inHand.end(execution, end);
  return end;
}

/** A client whose Redis refuses calls that hold a text, so many times. */
function refusing(
  client: RedisClient,
  text: string,
  error: () => Error,
  times = Infinity,
): RedisClient {
  let left = times;
  return {
    ...echoing(client, () => {}),
    send(command, args = [], options) {
      const holds = args.some((arg) =>
        arg instanceof Uint8Array && Buffer.from(arg).includes(text)
      );
      if (holds && left-- > 0) return Promise.reject(error());
      return client.send(command, args, options);
    },
  };
}

/** Lets time pass in short steps, between which calls are sent and refused. */
async function advanceBy(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) await clock.advance(500);
}

/** Lets time pass until something is settled. */
async function advanceUntil(
  clock: FakeClock,
  settles: Promise<unknown>,
): Promise<void> {
  const settled = settles.then(() => true);
  while (!await Promise.race([settled, turn()])) await clock.advance(500);
}

const REFUSED = () => new ReplyError("ERR too much of it");

Deno.test("an end is stored and told, with how long its result is kept", async () => {
  await using stage = await Stage.open();
  const end = await ended(stage);
  await Promise.all(stage.recorder().end([end]));
  assertEquals(await stage.bench.status("a"), "finished");
  assertEquals(stage.lines, [
    "q: Job OK (a)",
    "Result is kept for 500 seconds",
  ]);
});

Deno.test("ends and the claim of further jobs go together, and each is answered, the ends first", async () => {
  await using stage = await Stage.open();
  const end = await ended(stage);
  await stage.bench.add("b");
  const { recorded, claimed } = stage.recorder().endAndClaim(
    stage.worker,
    [end],
    { jobs: 1 },
  );
  const { executions } = await claimed;
  assertEquals(executions.map(({ job }) => job.id), ["b"]);
  assertEquals(stage.lines[0], "q: Job OK (a)");
  await Promise.all(recorded);
  assertEquals(await stage.bench.status("a"), "finished");
});

Deno.test("what was claimed need not wait until all dependents of a job that went with the claim are released", async () => {
  await using stage = await Stage.open();
  const { bench } = stage;
  const end = await ended(stage);
  await bench.jobs.enqueueMany(
    Array.from(
      { length: 250 },
      (_, i) => newJob(`c${i}`, { dependsOn: ["a"] }),
    ),
  );
  await bench.add("next");
  const gate = Promise.withResolvers<void>();
  const client: RedisClient = {
    ...echoing(bench.client, () => {}),
    async send(command, args, options) {
      if (args?.[0] === RELEASE_DEPENDENTS.sha) await gate.promise;
      return await bench.client.send(command, args, options);
    },
  };
  const { recorded, claimed } = stage.recorder(client).endAndClaim(
    stage.worker,
    [end],
    { jobs: 1 },
  );
  let isRecorded = false;
  const recording = recorded[0]!.then(() => isRecorded = true);
  assertEquals((await claimed).executions.length, 1);
  assertEquals(isRecorded, false);
  gate.resolve();
  await recording;
  assertEquals(await bench.send("ZCARD", "rq:deferred:q"), 0);
});

Deno.test("a result that Redis refuses fails its job with Redis' words, and no other job of the same list", async () => {
  await using stage = await Stage.open();
  const ends = [];
  for (const id of ["a", "refused", "b"]) {
    const payload = btoa(id === "refused" ? "42" : "7");
    ends.push(await ended(stage, id, { payload }));
  }
  const client = refusing(stage.bench.client, btoa("42"), REFUSED);
  await Promise.all(stage.recorder(client).end(ends));
  const statuses = await Promise.all(
    ["a", "refused", "b"].map((id) => stage.bench.status(id)),
  );
  assertEquals(statuses, ["finished", "failed", "finished"]);
  assertEquals(
    await stage.failureText("refused"),
    "Cannot store the result of the job: Redis refuses its 4 bytes: ERR too much of it",
  );
  assertEquals(await stage.bench.members("rq:wip:q"), []);
});

Deno.test("an end that Redis takes later is stored then", async () => {
  await using stage = await Stage.open();
  const loading = () => new ReplyError("LOADING the dataset");
  const client = refusing(stage.bench.client, btoa("42"), loading, 3);
  const end = await ended(stage);
  await Promise.all(stage.recorder(client).end([end]));
  assertEquals(await stage.bench.status("a"), "finished");
  const told = stage.lines.filter((line) => line.includes("does not accept"));
  assertEquals(told.length, 1);
});

/** A Redis that has no room for large calls. */
function full(stage: Stage): RedisClient {
  const large = btoa("A".repeat(100_000));
  return refusing(stage.bench.client, large, () => new ReplyError(FULL));
}

const FULL = "OOM command not allowed when used memory > 'maxmemory'.";

Deno.test.each(
  [
    ["result", "finished"],
    ["failure", "failed"],
  ] as const,
)(
  "a large %s that does not fit into a full Redis is stored as a failure that says so, a minute later",
  async (what, outcome) => {
    await using stage = await Stage.open();
    const clock = new FakeClock();
    const payload = btoa("A".repeat(100_000));
    const end = await ended(stage, "a", { payload, outcome });
    const [recorded] = stage.recorder(full(stage), { clock }).end([end]);
    await waitFor(() => stage.lines.length > 0);
    assertMatch(stage.lines[0]!, /does not accept the end of the job yet: OOM/);
    await advanceBy(clock, 59_000);
    assertEquals(await stage.bench.status("a"), "started");
    await advanceUntil(clock, recorded!);
    assertEquals(await stage.bench.status("a"), "failed");
    assertEquals(
      await stage.failureText("a"),
      `Cannot store the ${what} of the job: Redis has no room for its 133,336 bytes: ${FULL}`,
    );
  },
);

Deno.test("a small result waits for room for as long as it takes", async () => {
  await using stage = await Stage.open();
  const clock = new FakeClock();
  const full = () => new ReplyError(FULL);
  const client = refusing(stage.bench.client, btoa("42"), full, 80);
  const [recorded] = stage.recorder(client, { clock }).end([
    await ended(stage),
  ]);
  await advanceUntil(clock, recorded!);
  assertEquals(await stage.bench.status("a"), "finished");
});

Deno.test("a worker that is told to stop leaves an end that Redis does not take to the next one", async () => {
  await using stage = await Stage.open();
  const clock = new FakeClock();
  const readonly = () => new ReplyError("READONLY You can't write");
  const client = refusing(stage.bench.client, btoa("42"), readonly);
  const [recorded] = stage.recorder(client, { clock }).end([
    await ended(stage),
  ]);
  await waitFor(() => stage.lines.length > 0);
  await advanceBy(clock, 120_000);
  stage.stopping.abort();
  await advanceBy(clock, 9_000);
  assertEquals(stage.lines.length, 1);
  await advanceUntil(clock, recorded!);
  assertEquals(await stage.bench.status("a"), "started");
  assertMatch(stage.lines[1]!, /another worker will run it again: READONLY/);
});

Deno.test("a worker that is told to stop stores what does not fit as a failure before it leaves", async () => {
  await using stage = await Stage.open();
  const clock = new FakeClock();
  stage.stopping.abort();
  const payload = btoa("A".repeat(100_000));
  const end = await ended(stage, "a", { payload });
  const [recorded] = stage.recorder(full(stage), { clock }).end([end]);
  await waitFor(() => stage.lines.length > 0);
  await advanceUntil(clock, recorded!);
  assertEquals(await stage.bench.status("a"), "failed");
});

const UNRECORDABLE: [string, () => Error, RegExp][] = [
  ["Redis refuses that it failed, too", REFUSED, /^ERR too much of it$/],
  [
    "there is no connection any more",
    () => new ConnectionLostError("It is gone", { sent: true }),
    /^It is gone$/,
  ],
];

Deno.test.each(UNRECORDABLE)(
  "where %s, recording an end rejects",
  async (_what, error, says) => {
    await using stage = await Stage.open();
    const recorder = stage.recorder(refusing(stage.bench.client, "", error));
    const [recorded] = recorder.end([await ended(stage)]);
    const rejected = await assertRejects(() => recorded!, Error);
    assertMatch(rejected.message, says);
  },
);

Deno.test("a job that is put back and refused is not recorded as failed", async () => {
  await using stage = await Stage.open();
  const client = refusing(stage.bench.client, "", REFUSED);
  const { execution } = await stage.begun();
  const end = releasedEnd(execution, 0);
  stage.inHand.end(execution, end);
  const [recorded] = stage.recorder(client).end([end]);
  await assertRejects(() => recorded!, ReplyError, "too much");
  assertEquals(await stage.bench.status("a"), "started");
});

Deno.test("a worker whose lost job is dead shows that it is idle, and one with another job does not", async () => {
  await using stage = await Stage.open();
  const recorder = stage.recorder();
  const shown = () => stage.bench.send("HGET", "rq:worker:w1", "state");
  const { execution: a } = await stage.begun("a");
  const { execution: b } = await stage.begun("b");
  stage.inHand.end(a, undefined);
  await recorder.skip();
  assertEquals(await shown(), "busy");
  stage.inHand.end(b, undefined);
  await recorder.skip();
  assertEquals(await shown(), "idle");
});
