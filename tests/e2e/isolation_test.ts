import { assert, assertEquals, assertMatch } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, logLines, WorkerProcess } from "./support.ts";

const WAYS = ["process", "reuse", "shared"] as const;

Deno.test.each<[string, string[]]>([
  ["reuse, one at a time", ["reuse", "--max-jobs-per-process", "50"]],
  ["reuse, four at a time", ["reuse", "--concurrency", "4"]],
  ["shared, one at a time", ["shared", "--max-jobs-per-process", "50"]],
  ["shared, 100 at a time", ["shared", "--concurrency", "100"]],
])("--isolation %s, runs each of 300 jobs once", async (_name, flags) => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  await queue.enqueueMany(
    Array.from(
      { length: 300 },
      (_, i) => ({ func: "jobs.note", args: [ledger.path, `${i}`] }),
    ),
  );
  const { code } = await burst([
    "low",
    "--url",
    redis.url,
    "--isolation",
    ...flags,
  ]);
  assertEquals(code, 0);
  const lines = ledger.lines().toSorted((a, b) => Number(a) - Number(b));
  assertEquals(lines, Array.from({ length: 300 }, (_, i) => `${i}`));
  assertEquals(await bench.client.send("ZCARD", ["rq:finished:low"]), 300);
});

/** Jobs of all kinds, and how they end. */
const KINDS = [
  { func: "jobs.hello", args: ["you"], status: "finished" },
  { func: "jobs.prints", args: ["to out", "to err"], status: "finished" },
  { func: "jobs.fails", args: ["bad"], status: "failed" },
  { func: "jobs.exits", args: [3], status: "failed" },
  { func: "jobs.nope", args: [], status: "failed" },
  { func: "nowhere.at_all", args: [], status: "failed" },
  { func: "jobs.notAFunction", args: [], status: "failed" },
  { func: "jobs.heedsSignal", args: ["/dev/null"], status: "failed" },
  { func: "jobs.failsUntil", args: [1], status: "finished" },
  { func: "jobs.nothing", args: [], status: "finished" },
  { func: "jobs.echo", args: [1, [2], { three: null }], status: "finished" },
] as const;

/** What a worker with one isolation prints and stores for all of these jobs. */
async function outcomeOf(isolation: string) {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const jobs = await low.enqueueMany(
    KINDS.map(({ func, args }, n) => ({
      func,
      args: [...args],
      jobId: `job-${n}`,
      timeout: 1,
    })),
  );
  const { stdout, stderr } = await burst([
    "low",
    "--name",
    "w",
    "--url",
    redis.url,
    "--isolation",
    isolation,
  ]);
  const stored = await Promise.all(jobs.map(async (job) => [
    await job.getStatus(),
    await job.result(),
    (await job.excInfo())?.split("\n", 1)[0],
  ]));
  const keys = await bench.client.send("KEYS", ["*"]) as string[];
  const masked = (text: string) =>
    text.replaceAll(/^\d\d:\d\d:\d\d /gm, "").replaceAll(/^ +at .*\n/gm, "");
  return {
    // Sorted: a job that was claimed ahead may begin before the last end is recorded.
    stdout: masked(stdout).split("\n").toSorted(),
    stderr: masked(stderr),
    stored,
    keys: keys.filter((key) => !key.startsWith("rq:x_turn:")).toSorted(), // turns come and go
  };
}

Deno.test("the same jobs print, log and store the same in every isolation", async () => {
  const [fresh, ...shared] = await Promise.all(WAYS.map(outcomeOf));
  assertEquals(
    fresh!.stored.map(([status]) => status),
    KINDS.map(({ status }) => status),
  );
  for (const outcome of shared) assertEquals(outcome, fresh);
});

Deno.test("single queues have their own isolation, and single jobs a stricter one, never a looser one", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using pids = new Ledger();
  const add = async (queue: string, isolation?: "process" | "shared") => {
    await bench.queue(queue).enqueueCall({
      func: "jobs.notesPid",
      args: [pids.path],
      ...(isolation === undefined ? {} : { isolation }),
    });
  };
  for (let n = 0; n < 3; n++) {
    await add("high", "shared"); // high gives each a process all the same
    await add("low");
    await add("low", "process");
  }
  const flags = ["--isolation", "shared", "--isolation", "high=process"];
  await burst(["high", "low", "--url", redis.url, ...flags]);
  const [high, low] = [pids.lines().slice(0, 3), pids.lines().slice(3)];
  assertEquals(new Set(high).size, 3);
  const counts = new Map<string, number>();
  for (const pid of low) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  assertEquals([...counts.values()].toSorted(), [1, 1, 1, 3]);
});

Deno.test.each<[string, string[], RegExp]>([
  [
    "limits of a process without a shared one",
    ["--max-jobs-per-process", "5"],
    /isolation "process"/,
  ],
  ["an unknown way", ["--isolation", "share"], /did you mean shared\?/],
  [
    "a queue that it does not have",
    ["low", "--isolation", "high=reuse"],
    /no such queue/,
  ],
  [
    "the same twice",
    ["--isolation", "reuse", "--isolation", "shared"],
    /given twice/,
  ],
])("a worker refuses %s", async (_what, flags, message) => {
  const { code, stderr } = await burst(flags);
  assertEquals(code, 2);
  assertMatch(stderr, message);
});

Deno.test("a job that does not stop in time fails alone, and those that are begun again are logged", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const low = bench.queue("low");
  const other = await low.enqueue("jobs.waits", ledger.path, gate);
  const stuck = await low.enqueueCall({
    func: "jobs.blocks",
    args: [ledger.path, 60],
    timeout: 1,
  });
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
    "--isolation",
    "shared",
    "--concurrency",
    "5",
  ]);
  await bench.hasStatus(stuck.id, "failed");
  await waitFor(() => ledger.lines().length >= 3);
  await Deno.writeTextFile(gate, "");
  assertEquals(await other.wait({ timeout: 10 }), "went on");
  await Deno.remove(gate);
  const again = () =>
    logLines(worker.stdout).filter((line) => line.includes("begun again"));
  // Which of the two has blocked their process shows when each is alone.
  await waitForEqual(
    () => again().toSorted(),
    [other.id, stuck.id].map((id) =>
      `low: Its process ended, begun again (${id})`
    ).toSorted(),
  );
  assert((await stuck.excInfo())?.startsWith("JobTimeoutException"));
});
