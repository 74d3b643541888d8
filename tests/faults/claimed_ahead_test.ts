/** A worker is killed while it has prefetched jobs, and long ones running. */

import { assertEquals, assertMatch } from "@std/assert";
import { Bench, Ledger, type WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { assertDrained, finished, Fleet, kill } from "./support.ts";

/** Kills a worker while it has several jobs in hand, and lets their leases run out; returns their ids. */
async function killHolding(
  bench: Bench,
  worker: WorkerProcess,
): Promise<string[]> {
  const held = await waitFor(async () => {
    worker.kill("SIGSTOP");
    const key = "rq:wip:low";
    const members = await bench.client.send("ZRANGE", [key, 0, -1]);
    if ((members as string[]).length > 1) return members as string[];
    worker.kill("SIGCONT");
    return undefined;
  }, { interval: 1 });
  await kill(worker);
  const scores = held.flatMap((member) => [1, member]);
  await bench.client.send("ZADD", ["rq:wip:low", "XX", ...scores]);
  return held.map((member) => member.split(":")[0]!);
}

for (const isolation of ["reuse", "shared"]) {
  Deno.test(`${isolation}: jobs claimed ahead by workers that are killed are charged with nothing, and finish`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using fleet = new Fleet(redis.url);
    using ledger = new Ledger();
    const low = bench.queue("low");
    await low.enqueueMany(
      Array.from({ length: 4_000 }, (_, n) => ({
        func: "jobs.note",
        args: [ledger.path, `job ${n}`],
        jobId: `job-${n}`,
      })),
    );
    const worker = await fleet.listening("low", "--isolation", isolation);
    const held = await killHolding(bench, worker);
    const other = await fleet.listening("other");
    for (const id of held) await bench.hasStatus(id, "queued");
    for (const id of held) {
      const mark = await bench.field(`rq:job:${id}`, "x_abandoned");
      assertMatch(mark ?? "", /^0 /, id);
    }
    await kill(other);
    await fleet.listening("low", "--isolation", isolation);
    await finished(bench, ["low"], 4_000, 60_000);
    assertEquals(new Set(ledger.lines()).size, 4_000);
    await assertDrained(bench, ["low"]);
  });
}

Deno.test("the queue behind a suspect moves on while a worker has a very long job in hand, and then the suspect is run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const low = bench.queue("low");
  const long = await low.enqueue("jobs.noteOnce", ledger.path, "long", gate);
  await fleet.listening("low", "--isolation", "shared", "--concurrency", "5");
  await waitFor(() => ledger.lines().length === 1);
  // It becomes a suspect before any worker can see it.
  await bench.client.send("SET", ["rq:suspended", 1]);
  const suspect = await low.enqueue("jobs.note", ledger.path, "suspect");
  const key = `rq:job:${suspect.id}`;
  const mark = `0 ${await bench.field(key, "enqueued_at")}`;
  await bench.client.send("HSET", [key, "x_abandoned", mark]);
  const others = await low.enqueueMany(
    ["a", "b"].map((line) => ({
      func: "jobs.note",
      args: [ledger.path, line],
    })),
  );
  await bench.client.send("DEL", ["rq:suspended"]);
  for (const { id } of others) await bench.hasStatus(id, "finished");
  assertEquals(await suspect.getStatus(), "queued");
  await Deno.writeTextFile(gate, "");
  await bench.hasStatus(long.id, "finished");
  await bench.hasStatus(suspect.id, "finished");
  assertEquals(ledger.lines().at(-1), "suspect");
  await Deno.remove(gate);
});
