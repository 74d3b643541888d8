/** The promises to users, where jobs share processes. */

import { assertEquals } from "@std/assert";
import { Bench, Ledger, type WorkerProcess } from "../e2e/support.ts";
import { isAlive } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { sized } from "../support/long.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { assertDrained, finished, Fleet, kill } from "./support.ts";

/** Jobs that append their process id and wait for a file. */
async function busy(isolation: string, count: number) {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const fleet = stack.use(new Fleet(redis.url));
  const pids = stack.use(new Ledger());
  const gate = `${pids.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  await bench.queue("low").enqueueMany(
    Array.from({ length: count }, (_, n) => ({
      func: "jobs.waits",
      args: [pids.path, gate],
      jobId: `job-${n}`,
    })),
  );
  const flags = ["--isolation", isolation, "--concurrency", String(count)];
  const worker: WorkerProcess = await fleet.listening("low", ...flags);
  await waitFor(() => pids.lines().length === count, { timeout: 60_000 });
  return {
    url: redis.url,
    bench,
    fleet,
    flags,
    pids,
    worker,
    open: () => Deno.writeTextFile(gate, ""),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function length(bench: Bench, list: string): Promise<number> {
  return Number(await bench.client.send("LLEN", [list]));
}

/** Each waits for a lease to end, which takes a while. */
const KILLED = [
  { isolation: "shared", count: 100 },
  ...sized([], [
    { isolation: "reuse", count: 12 },
    { isolation: "process", count: 12 },
  ]),
];

Deno.test.each(KILLED)(
  "a worker that is killed with $count jobs in hand ($isolation) gives all of them back",
  async ({ isolation, count }) => {
    await using at = await busy(isolation, count);
    const { bench, fleet, pids } = at;
    assertEquals(await bench.client.send("ZCARD", ["rq:wip:low"]), count);
    await using others = new Fleet(at.url);
    await others.listening("other");
    await kill(at.worker);
    await waitFor(() => fleet.processes().length === 0, {
      message: () => `processes live on: ${fleet.processes()}`,
    });
    await waitForEqual(() => length(bench, "rq:queue:low"), count);
    assertEquals(pids.lines().length, count);
    await at.open();
    await others.listening("low", ...at.flags);
    await finished(bench, ["low"], count);
    assertEquals(pids.lines().length, 2 * count);
    await assertDrained(bench, ["low"]);
  },
);

Deno.test("jobs side by side whose process is killed are run again by the worker, which keeps their leases", async () => {
  await using at = await busy("shared", 40);
  const { bench, pids } = at;
  const [pid] = new Set(pids.lines().map(Number));
  Deno.kill(pid!, "SIGKILL");
  await waitFor(() => !isAlive(pid!));
  await at.open();
  await finished(bench, ["low"], 40);
  assertEquals(pids.lines().length, 80);
  assertEquals(await bench.field("rq:job:job-1", "x_abandoned"), null);
  assertEquals(
    await bench.field(`rq:job:job-1`, "worker_name"),
    await bench.field(`rq:job:job-39`, "worker_name"),
  );
  await assertDrained(bench, ["low"]);
});

Deno.test("a job that blocks its process for longer than a lease costs neither its own nor its neighbours'", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const flags = ["--isolation", "shared", "--concurrency", "10"];
  await low.enqueue("jobs.blocks", ledger.path, 17);
  await low.enqueueMany(
    Array.from(
      { length: 5 },
      (_, n) => ({ func: "jobs.note", args: [ledger.path, `neighbour ${n}`] }),
    ),
  );
  await fleet.listening("low", ...flags);
  await fleet.listening("other");
  await waitFor(() => ledger.lines().includes("blocks"));
  await finished(bench, ["low"], 6);
  assertEquals([...ledger.counts().values()], Array(7).fill(1));
  await assertDrained(bench, ["low"]);
});
