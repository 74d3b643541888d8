import { assert, assertEquals } from "@std/assert";
import { Schedules } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

Deno.test("workers make the jobs of a schedule, each slot once, also when one of them is killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  using ledger = new Ledger();
  const args = ["low", "--url", redis.url];
  await using first = await WorkerProcess.listening([...args, "-n", "w1"]);
  await using _second = await WorkerProcess.listening([...args, "-n", "w2"]);
  await schedules.upsert("ticks", "* * * * * *", {
    func: "jobs.note",
    args: [ledger.path, "tick"],
    queue: "low",
    missed: "all",
  });
  await waitFor(() => ledger.lines().length >= 2);
  first.kill("SIGKILL");
  const seen = ledger.lines().length;
  await waitFor(() => ledger.lines().length >= seen + 8);
  await schedules.pause("ticks");
  const runs = await schedules.runs("ticks");
  const slots = runs.map(({ slot }) => slot!.getTime() / 1_000).reverse();
  assertEquals(slots, slots.map((_, i) => slots[0]! + i)); // none is missing, none twice
  assertEquals(new Set(runs.map(({ jobId }) => jobId)).size, runs.length);
  for (const { jobId } of runs) await bench.hasStatus(jobId!, "finished");
});

Deno.test("a worker of another queue makes the jobs, and a worker of the queue runs them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  await schedules.upsert("once", { every: "1h" }, {
    func: "jobs.add",
    args: [1, 2],
    queue: "low",
  });
  const url = ["--url", redis.url];
  await burst(["low", ...url, "--no-scheduler"]);
  assertEquals((await schedules.get("once"))!.lastJobId, null);
  await burst(["other", ...url]);
  const { lastJobId } = (await schedules.get("once"))!;
  await bench.hasStatus(lastJobId!, "queued");
  await burst(["low", ...url]);
  await bench.hasStatus(lastJobId!, "finished");
});

Deno.test("a schedule whose function is gone fails its runs, and stays", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  await schedules.upsert("lost", { every: "1h" }, {
    func: "jobs.isNoMore",
    queue: "low",
  });
  for (let i = 0; i < 2; i++) {
    await burst(["low", "--url", redis.url]);
    const { lastJobId } = (await schedules.get("lost"))!;
    await bench.hasStatus(lastJobId!, "failed");
    await schedules.runNow("lost");
  }
  assertEquals((await schedules.all()).map(({ name }) => name), ["lost"]);
});

Deno.test("replace cancels a job that runs, and its process is killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const gate = `${ledger.path}.gate`;
  await schedules.upsert("s", "0 0 1 1 *", {
    func: "jobs.noteOnce",
    args: [ledger.path, "end", gate],
    queue: "low",
    overlap: "replace",
  });
  const first = await schedules.runNow("s");
  await waitForEqual(() => ledger.lines(), ["began end"]);
  const second = await schedules.runNow("s");
  await waitFor(() => ledger.lines().length === 2);
  await bench.hasStatus(first.id, "canceled");
  await Deno.writeTextFile(gate, "");
  assertEquals(await second.wait({ timeout: 60 }), "end");
  await Deno.remove(gate);
  assertEquals(ledger.lines(), ["began end", "began end", "end"]);
  assert((await schedules.runs("s"))[0]!.otherJobId === first.id);
});
