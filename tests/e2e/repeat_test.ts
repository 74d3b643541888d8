import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidJobOperationError, repeat } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** The ids and results in the stream of a job, by the runs that left them. */
async function results(
  { client }: Bench,
  id: string,
): Promise<{ readonly at: number; readonly value: string }[]> {
  const entries = await client.send("XRANGE", [`rq:results:${id}`, "-", "+"]);
  return (entries as [string, string[]][]).map(([entry, fields]) => ({
    at: Number.parseInt(String(entry)),
    value: atob(String(fields[fields.map(String).indexOf("return_value") + 1])),
  }));
}

Deno.test("a job is run three times, each after its interval, and the result of each run is kept", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.countsRuns",
    args: [ledger.path],
    repeat: repeat({ times: 2, interval: [0.5, "1s"] }),
  });
  assertEquals(await job.wait({ timeout: 60 }), 1, "the next end");
  await waitForEqual(
    () => bench.field(`rq:job:${job.id}`, "repeats_left"),
    "0",
  );
  await bench.hasStatus(job.id, "finished");
  assertEquals(await job.wait({ timeout: 60 }), 3);
  assertEquals(ledger.lines(), ["attempt 1", "attempt 1", "attempt 1"]);
  const runs = await results(bench, job.id);
  assertEquals(runs.map(({ value }) => value), ["1", "2", "3"]);
  const [first, second, third] = runs.map(({ at }) => at);
  assert(second! - first! >= 500, `${second! - first!} ms`);
  assert(third! - second! >= 1_000, `${third! - second!} ms`);
  await worker.waitForOutput(/(Job OK[^]*){3}/);
  assertEquals(worker.stdout.match(/Job scheduled to repeat/g)?.length, 2);
});

Deno.test("a burst worker repeats a job without interval to its end, in its turn", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  await low.enqueueCall({
    func: "jobs.note",
    args: [ledger.path, "again"],
    repeat: repeat({ times: 2 }),
    resultTtl: 0,
  });
  await low.enqueue("jobs.note", ledger.path, "other");
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  assertEquals(ledger.lines(), ["again", "other", "again", "again"]);
});

Deno.test("a running job enqueues one that is repeated", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueue(
    "jobs.followUpRepeated",
    ledger.path,
  );
  const id = await job.wait({ timeout: 60 }) as string;
  await waitForEqual(() => bench.field(`rq:job:${id}`, "repeats_left"), "0");
  await bench.hasStatus(id, "finished");
  assertEquals(ledger.lines(), ["again", "again", "again"]);
});

Deno.test("a job that is repeated for ever ends when it is canceled, and goes on beyond a worker that was killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const args = ["low", "--url", redis.url];
  await using first = await WorkerProcess.listening(args);
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.note",
    args: [ledger.path, "again"],
    repeat: repeat({ times: Infinity, interval: 0.2 }),
  });
  await waitFor(() => ledger.lines().length >= 2);
  first.kill("SIGKILL");
  await first.ended();
  const before = ledger.lines().length;
  await using _second = await WorkerProcess.listening(args);
  await waitFor(() => ledger.lines().length >= before + 2);
  await job.cancel();
  await assertRejects(
    () => job.wait({ timeout: 60 }),
    InvalidJobOperationError,
    "it is canceled",
  );
  assertEquals(await bench.client.send("ZCARD", ["rq:scheduled:low"]), 0);
  assertEquals(await bench.queue("low").count(), 0);
});
