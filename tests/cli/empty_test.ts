import { assertEquals } from "@std/assert";
import { Bench } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

Deno.test("empty deletes the waiting jobs of the queues that it names, or of all, and says how many", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const fill = async () => {
    for (const name of ["high", "low", "low"]) {
      await bench.queue(name).enqueue("jobs.nothing");
    }
  };
  await fill();
  assertEquals(await run(["empty", "low", "other"], env), {
    code: 0,
    stdout: "2 jobs removed from low queue\n0 jobs removed from other queue\n",
    stderr: "",
  });
  assertEquals(await bench.queue("high").count(), 1);
  await fill();
  const { stdout } = await run(["empty", "--all", "--json"], env);
  const removed = JSON.parse(stdout) as { queue: string; removed: number }[];
  assertEquals(
    removed.toSorted((a, b) => a.removed - b.removed),
    [
      { queue: "high", removed: 2 },
      { queue: "low", removed: 2 },
    ].toSorted((a, b) => a.removed - b.removed),
  );
  assertEquals(await bench.queue("high").count(), 0);
  assertEquals((await run(["empty"], env)).stdout, "Nothing to do\n");
});

Deno.test("a command that finds no Redis ends with 1 and one line", async () => {
  const { code, stdout, stderr } = await run(["empty", "--all"], {
    REDIS_URL: "redis://127.0.0.1:1",
  });
  assertEquals([code, stdout, stderr.split("\n").length], [1, "", 2]);
});
