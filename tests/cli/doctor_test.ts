import { assertEquals, assertMatch } from "@std/assert";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { run } from "./support.ts";

/** Findings, without those that all is well. */
async function findings(
  url: string,
  ...flags: string[]
): Promise<{ code: number; found: [string, string, string[]?][] }> {
  const { code, stdout, stderr } = await run(["doctor", "--json", ...flags], {
    REDIS_URL: url,
  });
  assertEquals(stderr, "");
  const all = JSON.parse(stdout) as {
    kind: string;
    text: string;
    jobIds?: string[];
  }[];
  const found = all.filter(({ kind }) => kind !== "ok").map((
    { kind, text, jobIds },
  ): [string, string, string[]?] =>
    jobIds === undefined ? [kind, text] : [kind, text, jobIds.sort()]
  );
  return { code, found };
}

Deno.test("doctor finds nothing wrong where jobs of all kinds are", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const done = await queue.enqueue("jobs.nothing");
  await queue.enqueue("jobs.fails", "oh");
  await burst(["low", "--url", redis.url]);
  await waitFor(async () => await done.getStatus() === "finished");
  await queue.enqueueCall({ func: "jobs.nothing", in: "1h" });
  const parent = await queue.enqueueCall({ func: "jobs.nothing", in: "1h" });
  await queue.enqueueCall({ func: "jobs.nothing", dependsOn: parent });
  await (await queue.enqueueCall({ func: "jobs.nothing", in: "1h" })).cancel();
  assertEquals(await findings(redis.url), { code: 0, found: [] });
  const { code, stdout } = await run(["doctor", "--url", redis.url]);
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /^ok {6}Redis [\d.]+ at redis:\S+, keys rq:\*\nok {6}1 queues, 0 living workers\n$/,
  );
});

Deno.test("doctor finds what is left of jobs that are gone, and --mend removes it, and nothing else", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  const queue = bench.queue("low");
  const kept = await queue.enqueueCall({ func: "jobs.nothing", in: "1h" });
  await client.send("ZADD", ["rq:scheduled:low", 5e9, "gone1"]);
  await client.send("ZADD", ["rq:failed:low", "+inf", "gone2"]);
  for (const id of ["gone3", "gone4", kept.id]) {
    await client.send("XADD", [`rq:results:${id}`, "*", "type", "1"]);
  }
  await client.send("EXPIRE", ["rq:results:gone4", 1_000]);
  const left = (kind: string): [string, string, string[]][] => [
    [
      kind,
      "2 ids in registries of queue low are of jobs that are gone",
      ["gone1", "gone2"],
    ],
    [kind, "1 results are of jobs that are gone, and never expire", ["gone3"]],
  ];
  assertEquals(await findings(redis.url), { code: 1, found: left("wrong") });
  assertEquals(await findings(redis.url, "--quick"), { code: 0, found: [] });
  assertEquals(await client.send("ZCARD", ["rq:scheduled:low"]), 2);
  assertEquals(await findings(redis.url, "--mend"), {
    code: 0,
    found: left("mended"),
  });
  assertEquals(await findings(redis.url), { code: 0, found: [] });
  assertEquals(await kept.getStatus(), "scheduled");
  assertEquals(await client.send("ZRANGE", ["rq:scheduled:low", 0, -1]), [
    kept.id,
  ]);
  for (const [id, there] of [[kept.id, 1], ["gone3", 0], ["gone4", 1]]) {
    assertEquals(await client.send("EXISTS", [`rq:results:${id}`]), there);
  }
});

Deno.test("doctor finds jobs that are in no registry", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const lost = await queue.enqueueCall({ func: "jobs.nothing", in: "1h" });
  await queue.enqueueCall({ func: "jobs.nothing", in: "1h" });
  await bench.client.send("ZREM", ["rq:scheduled:low", lost.id]);
  const running = { data: "x", origin: "low", status: "started" };
  const runs = { ours: ["x_execution", "e1"], theirs: [], lost: [] };
  for (const [id, more] of Object.entries(runs)) {
    const fields = [...Object.entries(running).flat(), ...more];
    await bench.client.send("HSET", [`rq:job:${id}`, ...fields]);
  }
  await bench.client.send("ZADD", ["rq:wip:low", 5e9, "ours:e1"]);
  await bench.client.send("ZADD", ["rq:executions:theirs", 5e9, "e2"]);
  const { code, found } = await findings(redis.url, "--mend");
  assertEquals([code, found.length], [1, 2]);
  found.sort(([, a], [, b]) => a < b ? -1 : 1);
  assertEquals(found[1]![2], ["lost"]);
  assertMatch(found[0]![1], /^1 jobs are scheduled, and in no registry/);
  assertEquals(found[0]![2], [lost.id]);
  assertEquals(await lost.getStatus(), "scheduled");
});

Deno.test("doctor finds jobs that nobody will run", async () => {
  await using redis = await RedisServer.start({
    args: ["--maxmemory-policy", "allkeys-lru"],
  });
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.nothing");
  await bench.queue("rests").enqueue("jobs.nothing");
  await bench.queue("rests").pause();
  const late = await bench.queue("late").enqueueCall({
    func: "jobs.nothing",
    in: "1h",
  });
  await bench.client.send("ZADD", ["rq:scheduled:late", 1, late.id]);
  await bench.client.send("SET", ["rq:suspended", 1]);
  const { code, found } = await findings(redis.url);
  assertEquals(code, 1);
  assertEquals(found, [
    [
      "wrong",
      "Redis may evict jobs: its maxmemory-policy is allkeys-lru, set it to noeviction",
    ],
    ["note", "All workers are suspended; see rq-worker resume"],
    ["wrong", "No worker listens to queue low, 1 jobs wait"],
    ["note", "Queue rests is paused, 1 jobs wait"],
    [
      "wrong",
      "1 scheduled jobs of queue late are due for more than a minute: no worker with a scheduler listens to it",
    ],
  ]);
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url],
  ]);
  const again = (await findings(redis.url)).found.map(([, text]) => text);
  assertEquals(again.filter((text) => /No worker listens/.test(text)), []);
});
