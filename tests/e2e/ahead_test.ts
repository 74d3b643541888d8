/** Workers with short jobs prefetch some: nobody else may notice. */

import { assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

const names = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => `job-${from + i}`);

/** Jobs that append their names to the ledger. */
function notes(ledger: Ledger, ids: readonly string[]) {
  return ids.map((jobId) => ({
    func: "jobs.note",
    args: [ledger.path, jobId],
    jobId,
  }));
}

for (const isolation of ["reuse", "shared"]) {
  Deno.test(`${isolation}: a job of a queue that comes first overtakes all of those behind it`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const low = bench.queue("low");
    await low.enqueueMany(notes(ledger, names(50)));
    await low.enqueueCall({
      func: "jobs.enqueuesNote",
      args: ["high", ledger.path, "urgent"],
    });
    await low.enqueueMany(notes(ledger, names(50, 50)));
    const args = ["high", "low", "--url", redis.url];
    await burst([...args, "--isolation", isolation]);
    assertEquals(ledger.lines(), [
      ...names(50),
      "urgent",
      ...names(50, 50),
    ]);
  });

  Deno.test(`${isolation}: jobs behind one that is not short are run by another worker, each once`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const gate = `${ledger.path}.gate`;
    const queue = bench.queue("low");
    await queue.enqueueMany(notes(ledger, names(40)));
    await queue.enqueueCall({
      func: "jobs.noteOnce",
      args: [ledger.path, "long", gate],
      jobId: "long",
    });
    await queue.enqueueMany(notes(ledger, names(40, 40)));
    const args = ["low", "--url", redis.url, "--isolation", isolation];
    await using first = await WorkerProcess.listening(args);
    await waitFor(() => ledger.lines().includes("began long"));
    // It may have prefetched the jobs behind it, or be about to: in both cases it must not keep them.
    const others = () => ledger.lines().filter((line) => line !== "began long");
    await waitFor(async () => {
      await burst(args);
      return others().length >= 80;
    });
    assertEquals(ledger.lines().slice(0, 41), [...names(40), "began long"]);
    assertEquals(others().toSorted(), names(80).toSorted());
    assertEquals(await bench.field("rq:job:long", "status"), "started");
    const leases = () => bench.client.send("ZCARD", ["rq:wip:low"]);
    await waitForEqual<unknown>(leases, 1);
    await Deno.writeTextFile(gate, "");
    await bench.hasStatus("long", "finished");
    await Deno.remove(gate);
    first.kill("SIGTERM");
    assertEquals((await first.ended()).code, 0);
  });

  Deno.test(`${isolation}: a worker that leaves has begun each of its jobs, or not taken it`, async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const queue = bench.queue("low");
    const jobs = await queue.enqueueMany(notes(ledger, names(10_000)));
    const args = ["low", "--url", redis.url, "--isolation", isolation];
    await using worker = await WorkerProcess.listening(args);
    await waitFor(() => ledger.lines().length > 100);
    worker.kill("SIGTERM");
    assertEquals((await worker.ended()).code, 0);
    const done = ledger.lines().length;
    assertEquals(ledger.lines(), names(done));
    assertEquals(await queue.jobIds(), names(10_000 - done, done));
    assertEquals(await jobs[done]?.getStatus(), "queued");
    assertEquals(await bench.client.send("ZCARD", ["rq:wip:low"]), 0);
  });
}
