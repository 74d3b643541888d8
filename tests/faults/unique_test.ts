/** Unique jobs while replies are lost: each call that is sent again has done its work before. */

import { assert, assertEquals } from "@std/assert";
import { DuplicateJobError, type Job, Queue, type Unique } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { ReplyLoser } from "./reply_loser.ts";

/** What is sent to enqueue a unique job, as packed; the script, which is sent once, has the name of the field too. */
const ENQUEUES = /x_unique_how\ufffd(started|ended) /;

const CALLS = 8;

/** Makes calls of one key, one after the other, through a connection that loses replies; gives jobs, and refusals. */
async function callOften(
  unique: Unique,
): Promise<
  { jobs: Job[]; refused: DuplicateJobError[]; left: Job[]; due: Job | null }
> {
  await using redis = await RedisServer.start();
  await using proxy = new ReplyLoser(redis.port, CALLS, ENQUEUES);
  await using queue = new Queue("q", { connection: proxy.url });
  const jobs: Job[] = [];
  const refused: DuplicateJobError[] = [];
  for (let i = 0; i < CALLS; i++) {
    const call = { func: "jobs.echo", args: [i], unique };
    try {
      jobs.push(await queue.enqueueCall(call));
    } catch (error) {
      assert(error instanceof DuplicateJobError, `${error}`);
      refused.push(error);
    }
  }
  assert(proxy.lost > 2, `${proxy.lost} replies were lost`);
  const holder = await queue.uniqueHolder(unique.key);
  const left = await Array.fromAsync(queue.jobs());
  return { jobs, refused, left, due: await queue.fetchJob(holder ?? "none") };
}

Deno.test("of calls that are refused or skip, the first one is enqueued, and no other", async () => {
  const first = await callOften({ key: "k" });
  assertEquals(first.jobs.map(({ isNew }) => isNew), [true]);
  assertEquals(first.refused.length, CALLS - 1);
  assertEquals(first.left.map(({ id }) => id), [first.jobs[0]!.id]);
  const skipped = await callOften({ key: "k", ifTaken: "skip" });
  const [job] = skipped.jobs;
  assertEquals(skipped.jobs.filter(({ isNew }) => isNew), [job!]);
  assertEquals(new Set(skipped.jobs.map(({ id }) => id)).size, 1);
  assertEquals(skipped.left.map(({ id }) => id), [job!.id]);
});

Deno.test("of calls that replace, the last one is left", async () => {
  const { jobs, left } = await callOften({ key: "k", ifTaken: "replace" });
  assert(jobs.every(({ isNew }) => isNew));
  assertEquals(left.map(({ id }) => id), [jobs.at(-1)!.id]);
});

Deno.test("of calls that debounce, the first one's job is left with the last arguments", async () => {
  const { jobs, due, left } = await callOften({
    key: "k",
    ifTaken: "debounce",
    delay: "1h",
  });
  assertEquals(jobs.filter(({ isNew }) => isNew), [jobs[0]!]);
  assertEquals(due?.id, jobs[0]!.id);
  assertEquals(due?.args, [CALLS - 1]);
  assertEquals(left, []);
});
