/** How the end of an execution is stored, over a real Redis that may refuse it. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  ConnectionLostError,
  type RedisClient,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import type { End } from "../../lib/store/worker_types.ts";
import { returnedEnd } from "../../lib/worker/ends.ts";
import { echoing } from "../store/support.ts";
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

Deno.test("ends and the claim of further jobs go together, and each is answered", async () => {
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
  await Promise.all(recorded);
  assertEquals(await stage.bench.status("a"), "finished");
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
    "Cannot store the end of the job: Redis refuses its 4 bytes: ERR too much of it",
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
  const told = stage.lines.filter((line) => line.includes("does not take"));
  assertEquals(told.length, 1);
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
  const end = returnedEnd(execution, 0);
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
