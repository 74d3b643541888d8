/** Logs that cannot be written or that nobody reads, and text that tries to forge log lines. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, burst, JOBS } from "./support.ts";

/** A worker whose stdout is redirected by a piece of shell: `> /dev/full`, `| head -n 1`. */
function shellWorker(where: string, url: string, args: readonly string[]) {
  const worker = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    ...runFlags(),
    `${ROOT}/worker.ts`,
    "low",
    "--url",
    url,
    ...args,
  ];
  return new Deno.Command("sh", {
    args: ["-c", `"$@" ${where}`, "sh", ...worker],
    cwd: JOBS,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

async function addJobs(bench: Bench, count: number): Promise<void> {
  await bench.queue("low").enqueueMany(
    Array.from({ length: count }, () => ({
      func: "jobs.prints",
      args: ["out", "err"],
    })),
  );
}

async function ended(bench: Bench): Promise<number> {
  return Number(await bench.client.send("ZCARD", ["rq:finished:low"]));
}

Deno.test.each([
  { where: "> /dev/full", why: /No space left/ },
  { where: "| head -n 1", why: /Broken pipe/ },
])(
  "a worker with `$where` runs its jobs, and tells what it could not log",
  async ({ where, why }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await addJobs(bench, 30);
    const flags = ["--burst", "--isolation", "reuse", "--concurrency", "3"];
    const worker = shellWorker(where, redis.url, flags);
    const { stderr } = await worker.output();
    assertEquals(await ended(bench), 30);
    const text = new TextDecoder().decode(stderr);
    assertMatch(
      text,
      /Could not write \d+ log lines and \d+ bytes of what jobs/,
    );
    assertMatch(text, why);
  },
);

Deno.test("a worker whose stderr is full runs its jobs, and tells it on stdout", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await addJobs(bench, 5);
  const flags = ["--burst", "--isolation", "reuse"];
  // What is read here is the worker's stdout.
  const worker = shellWorker("3>&2 2>/dev/full >&3", redis.url, flags);
  const { stderr } = await worker.output();
  assertEquals(await ended(bench), 5);
  assertMatch(
    new TextDecoder().decode(stderr),
    /Could not write \d+ bytes of what jobs printed: No space left/,
  );
});

Deno.test("a worker whose stdout is read slowly loses nothing of what jobs print", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.floods", 30_000); // more than any pipe holds
  const worker = shellWorker(
    "| (sleep 2; grep -c '^line ' >&2)",
    redis.url,
    ["--burst"],
  );
  const { stderr } = await worker.output();
  assertEquals(new TextDecoder().decode(stderr), "30000\n");
});

Deno.test("a worker whose log nobody reads runs its jobs, keeps its heartbeat and leaves when it is told to", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const flags = ["--isolation", "shared", "--concurrency", "10"];
  const named = ["--name", "w1", "--job-monitoring-interval", "1"];
  const args = ["--verbose", ...flags, ...named];
  const worker = shellWorker("2>/dev/null | sleep 1000", redis.url, args);
  try {
    await addJobs(bench, 3_000); // more lines than any pipe holds
    await waitFor(async () => await ended(bench) === 3_000, {
      timeout: 60_000,
    });
    const heartbeat = () => bench.field("rq:worker:w1", "last_heartbeat");
    const before = await heartbeat();
    await waitFor(async () => await heartbeat() !== before, {
      timeout: 20_000,
    });
    const pid = Number(await bench.field("rq:worker:w1", "pid"));
    Deno.kill(pid, "SIGTERM");
    await waitFor(
      async () => await bench.field("rq:worker:w1", "death") !== null,
      { timeout: 20_000 },
    );
    const lives = () => Deno.stat(`/proc/${pid}`).then(() => true, () => false);
    await waitFor(async () => !(await lives()), { timeout: 20_000 });
  } finally {
    new Deno.Command("pkill", { args: ["-P", `${worker.pid}`] }).outputSync();
    await worker.stderr.cancel();
    await worker.status;
  }
});

const HOSTILE = "\x1b]0;owned\x07\x9b2J\n12:00:00 low: Job OK (fake)\r\u202e";

Deno.test("nothing that comes from outside can write more than its own line of the log", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  await low.enqueueCall({ func: "jobs.nothing", description: HOSTILE });
  await low.enqueueCall({ func: "jobs.fails", args: [HOSTILE] });
  await low.enqueueCall({ func: `jobs.none${"x"}`, description: "missing" });
  const data = JSON.stringify([`jobs.${HOSTILE}`, null, [], {}]);
  await bench.push("low", `id-${HOSTILE}`, { data, origin: HOSTILE });
  const queue = `q\x1b[2J\nq`;
  await bench.push(queue, "in-a-strange-queue", { data, origin: queue });
  const { stdout, stderr } = await burst(["low", "--url", redis.url]);
  // deno-lint-ignore no-control-regex -- those are what must not be there
  const unsafe = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/;
  for (const text of [stdout, stderr]) {
    assertEquals(unsafe.exec(text), null, text);
    assert(!/^12:00:00/m.test(text), text);
    for (const line of text.split("\n")) {
      assert(
        /^(\d\d:\d\d:\d\d | {2}|$)/.test(line),
        `not a line of the log: ${line}`,
      );
    }
  }
});

Deno.test("a JSON log has what each line is about as fields", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const good = await low.enqueue("jobs.add", 1, 2);
  const bad = await low.enqueue("jobs.fails", HOSTILE);
  await low.enqueueCall({ func: "jobs.fails", args: ["x"], jobId: "again" });
  await bench.client.send("HSET", ["rq:job:again", "retries_left", "1"]);
  await bench.push("low", "unreadable", { data: "?", description: HOSTILE });
  await bench.client.send("RPUSH", ["rq:queue:low", "missing"]);
  const args = ["--url", redis.url, "--log-format", "json", "--name", "w1"];
  const { stdout, stderr } = await burst(["low", "--verbose", ...args]);
  // deno-lint-ignore no-control-regex -- those are what must not be there
  assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(stdout + stderr));
  const lines = `${stdout}${stderr}`.trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const ids = [good.id, bad.id, "again", "unreadable", "missing"];
  for (const id of ids) {
    const named = lines.filter(({ message }) => message.includes(`(${id})`));
    assert(named.length > 0, `no line tells of ${id}`);
    for (const { jobId, queue, worker } of named) {
      assertEquals({ jobId, queue, worker }, {
        jobId: id,
        queue: "low",
        worker: "w1",
      });
    }
  }
  const about = (id: string) => lines.filter(({ jobId }) => jobId === id);
  const facts = { queue: "low", worker: "w1" };
  for (
    const [{ id }, func] of [[good, "jobs.add"], [bad, "jobs.fails"]] as const
  ) {
    const [began, end] = about(id);
    for (const line of [began, end]) {
      const { queue, worker } = line;
      assertEquals({ queue, worker, func: line.func }, { ...facts, func });
    }
    assertEquals(typeof end.durationMs, "number");
  }
  assertMatch(about(bad.id)[1].error, /^RangeError: /);
});
