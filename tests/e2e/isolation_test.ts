import { assertEquals, assertMatch } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, Ledger } from "./support.ts";

Deno.test.each<[string, string[]]>([
  ["one at a time", []],
  ["four at a time", ["--concurrency", "4"]],
])("--isolation reuse runs each of 300 jobs once, %s", async (_name, flags) => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  await queue.enqueueMany(
    Array.from(
      { length: 300 },
      (_, i) => ({ func: "jobs.note", args: [ledger.path, `${i}`] }),
    ),
  );
  const { code } = await burst([
    "low",
    "--url",
    redis.url,
    "--isolation",
    "reuse",
    "--max-jobs-per-process",
    "50",
    ...flags,
  ]);
  assertEquals(code, 0);
  const lines = ledger.lines().toSorted((a, b) => Number(a) - Number(b));
  assertEquals(lines, Array.from({ length: 300 }, (_, i) => `${i}`));
  assertEquals(await bench.client.send("ZCARD", ["rq:finished:low"]), 300);
});

Deno.test("--max-jobs-per-process without --isolation reuse is a mistake", async () => {
  const { code, stderr } = await burst(["--max-jobs-per-process", "5"]);
  assertEquals(code, 2);
  assertMatch(stderr, /isolation "process"/);
});
