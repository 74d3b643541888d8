import { assertEquals } from "@std/assert";
import { queueCounts } from "../../lib/store/queue_counts.ts";
import { Queue } from "../../mod.ts";
import { Bench } from "./support.ts";

const NOTHING = {
  count: 0,
  started: 0,
  finished: 0,
  failed: 0,
  deferred: 0,
  scheduled: 0,
  canceled: 0,
};

Deno.test("queueCounts() counts the jobs of each place, and reads only", async () => {
  await using bench = await Bench.open();
  const queue = new Queue("q", { connection: bench.client });
  const worker = await bench.worker();
  await queue.enqueue("a.b");
  await queue.enqueue("a.b");
  await queue.enqueue("a.b");
  await bench.claim(worker);
  await queue.enqueueCall({ func: "a.b", in: "1h" });
  const canceled = await queue.enqueue("a.b");
  await queue.enqueueCall({ func: "a.b", dependsOn: canceled });
  await canceled.cancel();
  for (const tenant of ["a", "a", "b", "b", "b"]) {
    await queue.enqueueCall({ func: "a.b", fairKey: tenant });
  }
  const past = Date.now() / 1_000 - 10;
  await bench.send("ZADD", "rq:finished:q", past, "x", past + 100, "y");
  await bench.send("ZADD", "rq:failed:q", past, "x", "inf", "y", "inf", "z");
  await bench.send("ZADD", "rq:failed:q", -1, "kept for ever");
  const before = await bench.send("ZCARD", "rq:finished:q");
  assertEquals(await queueCounts(bench.jobs, ["q", "none"]), [
    {
      name: "q",
      count: await queue.count(),
      started: 1,
      finished: 1,
      failed: 3,
      deferred: 1,
      scheduled: 1,
      canceled: 1,
    },
    { name: "none", ...NOTHING },
  ]);
  assertEquals(await queue.count(), 7);
  assertEquals(await bench.send("ZCARD", "rq:finished:q"), before);
});

Deno.test("queueCounts() counts many queues, and nothing where a key holds something else", async () => {
  await using bench = await Bench.open();
  const names = Array.from({ length: 120 }, (_, i) => `q${i}`);
  await bench.send("RPUSH", "rq:queue:q119", "a", "b");
  for (const kind of ["queue", "wip", "finished", "failed", "x_fair"]) {
    await bench.send("SET", `rq:${kind}:q3`, "text");
  }
  const counts = await queueCounts(bench.jobs, names);
  assertEquals(counts.map(({ name }) => name), names);
  assertEquals(counts.map(({ count }) => count).filter((n) => n > 0), [2]);
  assertEquals(counts[3], { name: "q3", ...NOTHING });
});
