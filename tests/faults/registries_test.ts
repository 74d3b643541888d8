/** Calls on many jobs while replies are lost: each call that is sent again has done its work before. */

import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { Desk } from "../queue/support.ts";
import { ReplyLoser } from "./reply_loser.ts";

/** What is sent to change failed jobs; the scripts, which are sent once, do not have these words side by side. */
const CHANGES = / failed stopped /;

const JOBS = 200;

/** A desk with failed jobs. */
async function failedJobs(): Promise<Desk> {
  const desk = await Desk.open();
  const calls = Array.from({ length: JOBS }, (_, i) => ({
    func: "a.b",
    jobId: `j${i}`,
  }));
  await desk.queue.enqueueMany(calls);
  for (const _ of calls) await desk.fail();
  return desk;
}

Deno.test("requeueAll() queues each job once, and counts each once", async () => {
  await using desk = await failedJobs();
  const order = await desk.queue.failedJobRegistry.jobIds();
  await using proxy = new ReplyLoser(desk.bench.server.port, 3, CHANGES);
  await using queue = new Queue("q", { connection: proxy.url });
  const { done, complete } = await queue.failedJobRegistry.requeueAll();
  assert(proxy.lost > 2, `${proxy.lost} replies were lost`);
  assertEquals([done, complete], [JOBS, true]);
  assertEquals(await desk.queue.jobIds(), order);
  assertEquals(await desk.queue.failedJobRegistry.count(), 0);
});

Deno.test("cancelAll() cancels each job, and counts each once", async () => {
  await using desk = await failedJobs();
  await using proxy = new ReplyLoser(desk.bench.server.port, 3, CHANGES);
  await using queue = new Queue("q", { connection: proxy.url });
  const { done, complete } = await queue.failedJobRegistry.cancelAll();
  assert(proxy.lost > 2, `${proxy.lost} replies were lost`);
  assertEquals([done, complete], [JOBS, true]);
  assertEquals(await desk.queue.canceledJobRegistry.count(), JOBS);
});

Deno.test("clear() deletes each job; those of lost replies it cannot count", async () => {
  await using desk = await failedJobs();
  await using proxy = new ReplyLoser(desk.bench.server.port, 3, CHANGES);
  await using queue = new Queue("q", { connection: proxy.url });
  const { done, looked, complete } = await queue.failedJobRegistry.clear();
  assert(proxy.lost > 2, `${proxy.lost} replies were lost`);
  assert(done < JOBS);
  assertEquals([looked, complete], [JOBS, true]);
  const keys = await desk.bench.allKeys();
  assertEquals(keys.filter((key) => key.startsWith("rq:job:")), []);
});
