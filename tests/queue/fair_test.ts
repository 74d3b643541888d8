/** Fair keys as producers see them. */

import { assertEquals, assertThrows } from "@std/assert";
import { Queue } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";

Deno.test("a queue counts, lists and removes jobs that wait for the turn of their key", async () => {
  await using redis = await RedisServer.start();
  await using queue = new Queue("q", { connection: redis.url, fairKey: "a" });
  const call = { func: "jobs.add", args: [1, 2] };
  const jobs = await queue.enqueueMany([
    ...Array.from({ length: 4 }, () => call),
    { ...call, fairKey: "b" },
  ]);
  const [first, second, third, fourth, other] = jobs.map(({ id }) => id);
  assertEquals(
    await Promise.all(jobs.map((job) => job.getStatus())),
    ["queued", "rate_limited", "rate_limited", "rate_limited", "queued"],
  );
  assertEquals(jobs[1]!.fairKey, "a");
  assertEquals(jobs[4]!.fairKey, "b");
  assertEquals(await queue.count(), 5);
  const all = [first, other, second, third, fourth];
  assertEquals(await queue.jobIds(), all);
  assertEquals(await queue.jobIds(1, 2), [other, second]);
  assertEquals((await Array.fromAsync(queue.jobs())).map(({ id }) => id), all);
  assertEquals(await queue.remove(third!), true);
  assertEquals(await queue.remove(third!), false);
  assertEquals(await queue.count(), 4);
  assertEquals(await queue.empty(), 4);
  assertEquals(await queue.isEmpty(), true);
  await queue.enqueueMany([call, call]);
  await queue.delete();
  assertEquals(await queue.count(), 0);
});

Deno.test("a queue refuses what can be no fair key", () => {
  assertThrows(() => new Queue("q", { fairKey: "" }), RangeError, "fairKey");
  const fairKey = 7 as unknown as string;
  assertThrows(() => new Queue("q", { fairKey }), TypeError, "got number");
});

Deno.test("jobs of which one waits at most take no turns", async () => {
  await using redis = await RedisServer.start();
  await using queue = new Queue("q", { connection: redis.url, fairKey: "a" });
  const rateLimit = {
    key: "k",
    concurrency: 1,
    onConflict: "keepLatest",
  } as const;
  const call = { func: "jobs.add", args: [1, 2], rateLimit } as const;
  const jobs = [];
  for (let i = 0; i < 3; i++) jobs.push(await queue.enqueueCall(call));
  assertEquals(
    await Promise.all(jobs.map((job) => job.getStatus())),
    ["queued", "canceled", "rate_limited"],
  );
  assertEquals(jobs[0]!.fairKey, undefined);
});
