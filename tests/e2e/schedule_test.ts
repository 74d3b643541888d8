import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** Milliseconds since 1970 by Redis' clock. */
async function now({ client }: Bench): Promise<number> {
  const [seconds, micros] = await client.send("TIME") as string[];
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

Deno.test("a worker runs jobs for later when they are due, in the order of their time", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const low = bench.queue("low");
  const at = new Date(await now(bench) + 1_000);
  const jobs = [
    await low.enqueueIn(1.5, "jobs.note", ledger.path, "third"),
    await low.enqueueAt(at, "jobs.note", ledger.path, "second"),
    await low.enqueueIn(0.5, "jobs.note", ledger.path, "first"),
  ];
  const much = await low.enqueueIn("1h", "jobs.note", ledger.path, "never");
  await low.enqueue("jobs.note", ledger.path, "at once");
  await Promise.all(jobs.map((job) => job.wait({ timeout: 60 })));
  assertEquals(ledger.lines(), ["at once", "first", "second", "third"]);
  await jobs[1]!.refresh();
  assert(jobs[1]!.enqueuedAt! >= at, `${jobs[1]!.enqueuedAt} is before ${at}`);
  assertEquals(await much.getStatus(), "scheduled");
});

Deno.test("follow-up jobs for later run when they are due", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const job = await bench.queue("low").enqueue(
    "jobs.remindsLater",
    ledger.path,
  );
  const ids = await job.wait({ timeout: 60 }) as string[];
  for (const id of ids) await bench.hasStatus(id, "finished");
  assertEquals(ledger.lines(), ["in", "at"]);
});

Deno.test("--no-scheduler leaves jobs for later to another worker, which runs each once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const lines = Array.from({ length: 20 }, (_, i) => `job ${i}`);
  const jobs = await low.enqueueMany(
    lines.map((line) => ({
      func: "jobs.note",
      args: [ledger.path, line],
      in: 0.1,
    })),
  );
  await waitForEqual<unknown>(async () => {
    const due = (await now(bench)) / 1_000;
    return bench.client.send("ZCOUNT", ["rq:scheduled:low", 0, due]);
  }, 20);
  const args = ["low", "--url", redis.url];
  await burst([...args, "--no-scheduler"]);
  assertEquals(await jobs[0]!.getStatus(), "scheduled");
  await using _first = await WorkerProcess.listening([...args, "-s"]);
  await using _second = await WorkerProcess.listening(args);
  await Promise.all(jobs.map((job) => job.wait({ timeout: 60 })));
  assertEquals(ledger.lines().toSorted(), lines.toSorted());
});

Deno.test("a burst worker does not wait for what is due later", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const later = await bench.queue("low").enqueueIn("1h", "jobs.add", 1, 2);
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals([code, await later.getStatus()], [0, "scheduled"]);
});

Deno.test("when the worker that has the turn is killed, another one runs what is due", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const args = ["low", "--url", redis.url];
  await using first = await WorkerProcess.listening([...args, "-n", "w1"]);
  const turn = () => bench.client.send("HGET", ["rq:x_schedulers", "low"]);
  await waitForEqual<unknown>(turn, "w1");
  await using _second = await WorkerProcess.listening([...args, "-n", "w2"]);
  const job = await low.enqueueIn(1, "jobs.add", 1, 2);
  first.kill("SIGKILL");
  assertEquals(await job.wait({ timeout: 60 }), 3);
  await waitFor(async () => await turn() === "w2");
});
