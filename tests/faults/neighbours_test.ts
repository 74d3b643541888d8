/** What a job that kills its worker costs those that run beside it. */

import { assert, assertEquals } from "@std/assert";
import { Bench, Ledger } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Fleet } from "./support.ts";

/** Has every lease of a queue run out at once. */
async function endLeases(bench: Bench): Promise<void> {
  const key = "rq:wip:low";
  const members = await bench.client.send("ZRANGE", [key, 0, -1]) as string[];
  assert(members.length > 0, "no lease is left");
  for (const member of members) {
    await bench.client.send("ZADD", [key, "XX", 1, member]);
  }
  await waitFor(async () => await bench.client.send("EXISTS", [key]) === 0);
}

for (const isolation of ["process", "reuse", "inline"]) {
  Deno.test(`${isolation}: of jobs that run beside one that kills its worker, only that one fails as abandoned`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using fleet = new Fleet(redis.url);
    using pids = new Ledger();
    const gate = `${pids.path}.gate`;
    const low = bench.queue("low");
    const poison = await low.enqueue("jobs.killsItsWorker");
    const others = await low.enqueueMany(
      Array.from(
        { length: 5 },
        () => ({ func: "jobs.waits", args: [pids.path, gate] }),
      ),
    );
    await fleet.listening("other", "--maintenance-interval", "1");
    const flags = ["--isolation", isolation, "--concurrency", "10"];
    const isOver = async () => await poison.getStatus() === "failed";
    for (let loss = 0; loss < 12 && !await isOver(); loss++) {
      await (await fleet.listening("low", ...flags)).ended();
      await endLeases(bench);
    }
    assert((await poison.excInfo())?.startsWith("AbandonedJobError"));
    await Deno.writeTextFile(gate, "");
    await fleet.listening("low", ...flags);
    await waitFor(() => low.isEmpty());
    const ended = () => Promise.all(others.map((job) => job.getStatus()));
    await waitFor(async () => !(await ended()).includes("started"));
    assertEquals(await ended(), Array(5).fill("finished"));
    await Deno.remove(gate);
  });
}
