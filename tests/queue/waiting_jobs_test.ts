/** The jobs that wait on a queue: listing, canceling and deleting those that a filter means. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { JobFilter } from "../../lib/queue/job_filter.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { Desk } from "./support.ts";

async function idsOf(queue: Queue, filter: JobFilter = {}): Promise<string[]> {
  const jobs = await Array.fromAsync(queue.jobs(filter));
  return jobs.map(({ id }) => id);
}

async function fill(queue: Queue): Promise<void> {
  await queue.enqueueMany([
    { func: "a.b", jobId: "a", tags: ["x"] },
    { func: "a.c", jobId: "b" },
    { func: "a.b", jobId: "c", fairKey: "t", tags: ["x"] },
    { func: "a.b", jobId: "d", fairKey: "t" },
    { func: "a.b", jobId: "later", in: "1h" },
  ]);
}

Deno.test("jobs() gives those that wait, also for their turn, and that the filter means", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  await fill(queue);
  assertEquals(await idsOf(queue), ["a", "b", "c", "d"]);
  assertEquals(await idsOf(queue, { func: "a.b" }), ["a", "c", "d"]);
  assertEquals(await idsOf(queue, { tag: "x" }), ["a", "c"]);
  assertEquals(await idsOf(queue, { status: "rate_limited" }), ["d"]);
  assertEquals(await idsOf(queue, { before: new Date("2026-01-01") }), []);
  await bench.send("HSET", "rq:job:b", "enqueued_at", "2025-12-01T00:00:00Z");
  assertEquals(await idsOf(queue, { before: new Date("2026-01-01") }), ["b"]);
  assertThrows(() => queue.jobs({ tags: "x" } as never), TypeError, '"tag"');
});

Deno.test("jobs() and cancelAll() know those that wait for a slot of their rate limit", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const rateLimit = { key: "k", concurrency: 1 };
  const call = { func: "a.b", rateLimit };
  await queue.enqueueMany([
    { ...call, jobId: "a" },
    { ...call, jobId: "b" },
    { ...call, jobId: "c" },
    { func: "a.b", jobId: "free" },
  ]);
  await using other = new Queue("r", { connection: queue.connection });
  await other.enqueueCall({ ...call, jobId: "of-other" });
  assertEquals(await idsOf(queue), ["a", "free", "b", "c"]);
  assertEquals(await idsOf(queue, { status: "rate_limited" }), ["b", "c"]);
  assertEquals(await idsOf(other), ["of-other"]);
  // each that is canceled would let another one through
  assertEquals((await queue.cancelAll()).done, 4);
  assertEquals(await idsOf(queue), []);
  assertEquals(await idsOf(other, { status: "queued" }), ["of-other"]);
  assertEquals((await other.deleteAll()).done, 1);
});

Deno.test("cancelAll() cancels those that the filter means, and leaves others", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await fill(queue);
  const { done, total, complete } = await queue.cancelAll({ func: "a.b" });
  assertEquals([done, total, complete], [3, 4, true]);
  assertEquals(await queue.jobIds(), ["b"]);
  assertEquals((await queue.canceledJobRegistry.jobIds()).sort(), [
    "a",
    "c",
    "d",
  ]);
  assertEquals(await queue.scheduledJobRegistry.jobIds(), ["later"]);
  await assertRejects(
    () => queue.cancelAll({ function: "a.b" } as never),
    TypeError,
  );
});

Deno.test("deleteAll() deletes those that the filter means, whatever else the list holds", async () => {
  await using desk = await Desk.open();
  const { queue, bench } = desk;
  await fill(queue);
  // one of RQ before 2.4.1, which wrote no status
  await bench.send("HDEL", "rq:job:a", "status");
  await bench.send("RPUSH", "rq:queue:q", "nobody");
  assertEquals((await queue.deleteAll({ tag: "x" })).done, 2);
  assertEquals(await idsOf(queue), ["b", "d"]);
  assertEquals((await queue.deleteAll()).done, 2);
  assertEquals(await idsOf(queue), []);
  assertEquals(await bench.send("EXISTS", "rq:job:later", "rq:job:d"), 1);
});
