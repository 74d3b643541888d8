import { assert, assertEquals } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { assertDrained, finished, Fleet, kill } from "./support.ts";

Deno.test("workers that are killed amid a tenant's flood lose no turn, and nobody waits when all jobs have run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("q");
  const names = (key: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${key}${i}`);
  const all = [...names("a", 400), ...names("b", 40), ...names("c", 4)];
  await queue.enqueueMany(
    all.map((name) => ({
      func: "jobs.spans",
      args: [ledger.path, name],
      fairKey: name.slice(0, 1),
    })),
  );
  const args = ["q", "--isolation", "shared", "--concurrency", "4"];
  for (const lines of [40, 160, 300]) {
    const doomed = await fleet.listening(...args);
    await waitFor(() => ledger.lines().length >= lines);
    await kill(doomed);
  }
  await fleet.listening(...args);
  await finished(bench, ["q"], all.length);
  const ended = [...ledger.counts()].filter(([line]) =>
    line.startsWith("end ")
  );
  assertEquals(ended.map(([line]) => line.slice(4)).sort(), all.toSorted());
  // twice, at most: those that a killed worker had begun, whose end it did not record
  assert(ended.filter(([, count]) => count > 1).length <= 3 * 50);
  await assertDrained(bench, ["q"]);
  await waitForEqual(async () => {
    const keys = texts(await bench.client.send("KEYS", ["*"]));
    return keys.filter((key) => /x_fair|rl-keys/.test(key));
  }, []);
  assertEquals(await queue.count(), 0);
});
