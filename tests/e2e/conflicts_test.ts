import { assertEquals, assertRejects } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { InvalidJobOperationError } from "../../mod.ts";
import { Fleet } from "../faults/support.ts";
import { Bench } from "./support.ts";

/** A file that is there or not: a job waits for it. */
class Gate implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly path: string = `${this.folder}/gate`;

  /** The process ids that jobs have written. */
  pids(): number[] {
    try {
      const text = Deno.readTextFileSync(`${this.folder}/pids`);
      return text.split("\n").filter((line) => line).map(Number);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => name === `${pid}`);
}

Deno.test("cancelRunning: the process of the job that runs is killed, whoever waits for it is told, and the new one runs", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  await using gate = new Gate();
  const call = {
    func: "jobs.waits",
    args: [`${gate.folder}/pids`, gate.path],
    rateLimit: { key: "sync", concurrency: 1 },
  };
  const queue = bench.queue("q");
  const first = await queue.enqueueCall(call);
  await fleet.listening("--concurrency", "2", "q");
  await waitFor(() => gate.pids().length === 1);
  const pid = gate.pids()[0]!;
  const told = assertRejects(
    () => first.wait({ timeout: 60 }),
    InvalidJobOperationError,
    "it is canceled",
  );
  const rateLimit = { ...call.rateLimit, onConflict: "cancelRunning" } as const;
  const second = await queue.enqueueCall({ ...call, rateLimit });
  await told;
  await waitFor(() => !isAlive(pid));
  await bench.hasStatus(second.id, "started");
  await Deno.writeTextFile(gate.path, "");
  await second.wait({ timeout: 60 });
  assertEquals(await first.getStatus(), "canceled");
});

Deno.test("skip: the call gives the job that is there, also of many calls and inside a job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  const rateLimit = { key: "k", concurrency: 1, onConflict: "skip" } as const;
  const call = { func: "jobs.nothing", rateLimit };
  const queue = bench.queue("other");
  const one = await queue.enqueueCall(call);
  const two = await queue.enqueueCall(call);
  assertEquals([one.isNew, two.isNew, two.id], [true, false, one.id]);
  const [three, four] = await queue.enqueueMany([
    call,
    { func: "jobs.nothing" },
  ]);
  assertEquals([three.id, three.isNew, four.isNew], [one.id, false, true]);
  const job = await bench.queue("q").enqueue("jobs.skipsFollowUp");
  await fleet.listening("--job-allow-enqueue=other", "q");
  const [first, second] = await job.wait({ timeout: 60 }) as string[];
  assertEquals(second, first);
  assertEquals(await queue.count(), 3);
});

Deno.test("skip: a scheduled job is canceled if another one runs when it is due", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  await using gate = new Gate();
  const rateLimit = { key: "k", concurrency: 1, onConflict: "skip" } as const;
  const queue = bench.queue("q");
  const runs = await queue.enqueueCall({
    func: "jobs.waits",
    args: [`${gate.folder}/pids`, gate.path],
    rateLimit,
  });
  await fleet.listening("--concurrency", "2", "q");
  await bench.hasStatus(runs.id, "started");
  const late = await queue.enqueueCall({
    func: "jobs.nothing",
    rateLimit,
    in: 0.2,
  });
  assertEquals(await late.getStatus(), "scheduled");
  await bench.hasStatus(late.id, "canceled");
  await Deno.writeTextFile(gate.path, "");
  await runs.wait({ timeout: 60 });
});
