import { assert } from "@std/assert";
import { childrenOf, readProc } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, WorkerProcess } from "./support.ts";

/** How many files, sockets and pipes a process has open. */
function handles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** The states of a process's children; `Z` for zombies. */
function childStates(pid: number): string[] {
  return childrenOf(pid).flatMap((child) => {
    const stat = readProc(`${child}/stat`) ?? "";
    return /\) (\S)/.exec(stat)?.[1] ?? [];
  });
}

Deno.test("a worker holds no more handles, children or connections after a hundred jobs than after ten", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using worker = await WorkerProcess.listening([
    "low",
    "high",
    "--concurrency",
    "2",
    "--job-allow-enqueue=other",
    "--url",
    redis.url,
  ]);
  const low = bench.queue("low");
  const run = async (count: number) => {
    const funcs = ["jobs.nothing", "jobs.fails", "jobs.nope", "jobs.followUp"];
    const jobs = await low.enqueueMany(
      Array.from({ length: count }, (_, i) => ({
        func: funcs[i % funcs.length]!,
        args: ["/dev/null"],
      })),
    );
    const last = await low.enqueue("jobs.add", 1, 2);
    await last.wait({ timeout: 60 });
    const statuses = await Promise.all(jobs.map((job) => job.getStatus()));
    assert(!statuses.includes("queued"));
  };
  const held = async () => ({
    children: childStates(worker.pid).length,
    clients: await clients(bench),
    handles: handles(worker.pid),
  });
  await run(10);
  const before = await settled(held);
  await run(100);
  await waitForEqual(held, before);
  await waitForEqual(
    () => childStates(worker.pid).filter((state) => state === "Z"),
    [],
  );
});

Deno.test.each([
  { isolation: "reuse", atOnce: 2, count: 3_000 },
  { isolation: "shared", atOnce: 100, count: 10_000 },
])(
  "a worker holds no more after $count jobs ($isolation) than after a thousand",
  async ({ isolation, atOnce, count }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const flags = ["--isolation", isolation, "--concurrency", String(atOnce)];
    await using worker = await WorkerProcess.listening(
      ["low", "--name", "w1", "--url", redis.url, ...flags],
      // With a small heap, garbage is collected soon, and what remains is really in use.
      {
        flags: [
          "--allow-all",
          "--v8-flags=--max-semi-space-size=1,--max-old-space-size=48",
        ],
      },
    );
    let total = 0;
    const run = async (jobs: number) => {
      await bench.queue("low").enqueueMany(
        Array.from({ length: jobs }, () => ({ func: "jobs.nothing" })),
      );
      total += jobs;
      await waitFor(
        async () =>
          await bench.field("rq:worker:w1", "successful_job_count") ===
            String(total),
        { timeout: 60_000, interval: 50 },
      );
    };
    const held = async () => ({
      children: childStates(worker.pid).filter((state) => state !== "Z").length,
      zombies: childStates(worker.pid).filter((state) => state === "Z").length,
      clients: await clients(bench),
      handles: handles(worker.pid),
    });
    await run(1_000);
    const before = await settled(held);
    const memory = megabytes(worker.pid);
    await run(count);
    await waitForEqual(held, before);
    const grown = megabytes(worker.pid) - memory;
    assert(grown < 30, `the worker has grown by ${grown} MB`);
  },
);

/** The resident memory of a process. */
function megabytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

/** A measurement, once it has been constant for a second. */
async function settled<T>(measure: () => Promise<T>): Promise<T> {
  let last = await measure();
  let since = performance.now();
  await waitFor(async () => {
    const next = await measure();
    if (JSON.stringify(next) !== JSON.stringify(last)) {
      [last, since] = [next, performance.now()];
    }
    return performance.now() - since > 1_000;
  });
  return last;
}

/** How many clients are connected to Redis. */
async function clients(bench: Bench): Promise<number> {
  const info = String(await bench.client.send("INFO", ["clients"]));
  return Number(/connected_clients:(\d+)/.exec(info)?.[1]);
}
