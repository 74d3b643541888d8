/** Integers that a JavaScript number cannot hold, through a worker. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ISOLATIONS } from "../../lib/job/isolation.ts";
import { Queue } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

const BIG = 2n ** 53n + 1n;

Deno.test("a job with a number that JavaScript cannot hold fails with its path", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { connection } = bench.queue("low");
  await using queue = new Queue("low", { connection, bigInts: true });
  const job = await queue.enqueue("jobs.echo", { id: BIG });
  const fine = await queue.enqueue("jobs.echo", 2 ** 53);
  await burst(["low", "--url", redis.url]);
  assertStringIncludes(
    await job.excInfo() ?? "",
    `Cannot read args[0].id: ${BIG} is more than a JavaScript number can hold; turn on BigInts`,
  );
  assertEquals(await fine.result(), [2 ** 53]);
});

Deno.test("a job that returns a BigInt fails unless its worker asks for them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.next", 5);
  await burst(["low", "--url", redis.url]);
  assertStringIncludes(
    await job.excInfo() ?? "",
    "Cannot store result.next: BigInt",
  );
});

Deno.test.each(ISOLATIONS.map((isolation) => [isolation]))(
  "with --big-ints and isolation %s a job gets, gives and hands on BigInts",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const { connection } = bench.queue("low");
    await using queue = new Queue("low", { connection, bigInts: true });
    const job = await queue.enqueue("jobs.next", BIG);
    const args = ["low", "--url", redis.url, "--isolation", isolation];
    const { code, stderr } = await burst([...args, "--big-ints"]);
    assertEquals(code, 0, stderr);
    const { follow, ...result } = await job.wait({ timeout: 10 });
    assertEquals(result, { kind: "bigint", next: BIG + 2n });
    await job.refresh();
    assertEquals(job.meta, { seen: BIG });
    const next = await queue.fetchJob(follow);
    assertEquals(await next?.result(), [[BIG]]);
  },
);
