/** Rate limits as producers see them. */

import { assertEquals, assertThrows } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { texts } from "../../lib/store/replies.ts";
import { Queue, type QueueRateLimit } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";

const CALL = { func: "jobs.add", args: [1, 2] };

Deno.test("a queue's jobs share its rate limit, whichever program enqueues them, but for those that have their own", async () => {
  await using redis = await RedisServer.start();
  const rateLimit = { limit: 1, per: "1h", concurrency: 3 };
  await using queue = new Queue("mail", { connection: redis.url, rateLimit });
  await using other = new Queue("mail", { connection: redis.url, rateLimit });
  const jobs = [
    await queue.enqueueCall(CALL),
    await other.enqueue(CALL.func, 1, 2),
    await queue.enqueueIn("1h", CALL.func, 1, 2),
    await queue.enqueueCall({
      ...CALL,
      rateLimit: { key: "k", concurrency: 1 },
    }),
  ];
  assertEquals(
    await Promise.all(jobs.map((job) => job.getStatus())),
    ["queued", "rate_limited", "scheduled", "queued"],
  );
  await using client = connect(redis.url);
  const keys = texts(await client.send("SMEMBERS", ["rq:rl-keys"]));
  assertEquals(keys.toSorted(), ["k", "mail"]);
});

Deno.test("queues share a rate limit by its key", async () => {
  await using redis = await RedisServer.start();
  const rateLimit = { key: "api", concurrency: 1 };
  const options = { connection: redis.url, rateLimit };
  await using one = new Queue("one", options);
  await using two = new Queue("two", options);
  const first = await one.enqueueCall(CALL);
  const second = await two.enqueueCall(CALL);
  assertEquals(await second.getStatus(), "rate_limited");
  await first.cancel();
  assertEquals(await second.getStatus(), "queued");
});

Deno.test.each<[unknown, ErrorConstructor, string]>([
  [{}, TypeError, "expected a concurrency, or a limit with its per"],
  [{ key: "", concurrency: 1 }, RangeError, "its key is empty"],
  [{ limit: 1 }, TypeError, "there is a limit and no per"],
  [7, TypeError, "expected an object of options, got number"],
  [null, TypeError, "expected an object of options, got null"],
])("a queue's rateLimit %j is refused", (rateLimit, error, text) => {
  assertThrows(
    () => new Queue("q", { rateLimit: rateLimit as QueueRateLimit }),
    error,
    text,
  );
});

Deno.test("a created job that is skipped stays created, and the call gives the other one", async () => {
  await using redis = await RedisServer.start();
  await using queue = new Queue("q", { connection: redis.url });
  const rateLimit = { key: "k", concurrency: 1, onConflict: "skip" } as const;
  const first = await queue.enqueueCall({ ...CALL, rateLimit });
  const created = await queue.createJob({ ...CALL, rateLimit });
  const given = await queue.enqueueJob(created);
  assertEquals([given.id, given.isNew], [first.id, false]);
  assertEquals(await created.getStatus(), "created");
  await first.cancel();
  assertEquals((await queue.enqueueJob(created)).id, created.id);
  assertEquals(await created.getStatus(), "queued");
});
