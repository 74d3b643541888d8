/** A list of ends is recorded by few calls, each end for itself. */

import { assert, assertEquals } from "@std/assert";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { CLAIM } from "../../lib/store/scripts/claim.ts";
import { SETTLE } from "../../lib/store/scripts/settle.ts";
import { list, texts } from "../../lib/store/replies.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  EndReply,
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { type AddOptions, Bench, echoing, type Ending } from "./support.ts";

const ENDING: Ending = {
  outcome: "finished",
  ttl: 500,
  payload: "MQ==",
  workedMs: 5,
  hadHeartbeat: false,
};

/** How often scripts have run: once where they are refused and sent again with their source. */
async function scriptRuns(bench: Bench): Promise<number> {
  const stats = String(await bench.send("INFO", "commandstats"));
  const runs = stats.matchAll(
    /cmdstat_eval(?:sha)?:calls=(\d+).*failed_calls=(\d+)/g,
  );
  return [...runs].reduce(
    (sum, [, ran, failed]) => sum + Number(ran) - Number(failed),
    0,
  );
}

async function claimed(
  bench: Bench,
  worker: WorkerIdentity,
  jobs: Readonly<Record<string, AddOptions>>,
): Promise<readonly Execution[]> {
  for (const [id, options] of Object.entries(jobs)) {
    await bench.add(id, options);
  }
  const count = Object.keys(jobs).length;
  return (await bench.workers.claim(worker, { jobs: count })).executions;
}

function endAll(
  store: WorkerStore,
  worker: WorkerIdentity,
  executions: readonly Execution[],
  endings: Readonly<Record<string, Partial<Ending>>> = {},
): Promise<EndReply[]> {
  const ends = executions.map((execution) => {
    return { execution, ...ENDING, ...endings[execution.job.id] };
  });
  return Promise.all(store.end(worker, ends, "idle"));
}

/** Jobs that end in every way there is, and what is done to them before. */
async function mixed(bench: Bench, worker: WorkerIdentity) {
  const executions = await claimed(bench, worker, {
    plain: {},
    lost: {},
    gone: {},
    retried: { fields: { retries_left: 1 } },
    scheduled: { fields: { retries_left: 1, retry_intervals: "[600]" } },
    parent: {},
    failed: {},
    stopped: {},
    requeued: {},
    unkept: {},
    forgotten: {},
  });
  for (const parent of ["parent", "failed"]) {
    await bench.add(`of-${parent}`, {
      dependsOn: [parent],
      fields: { allow_dependency_failures: 1 },
    });
  }
  const lost = executions.find(({ job }) => job.id === "lost")!;
  await bench.takeAway(lost);
  await bench.send("HDEL", "rq:job:lost", "x_execution");
  await bench.send("DEL", "rq:job:gone");
  return executions;
}

const MIXED: Readonly<Record<string, Partial<Ending>>> = {
  retried: { outcome: "failed" },
  scheduled: { outcome: "failed" },
  failed: { outcome: "failed" },
  stopped: { outcome: "stopped" },
  requeued: { outcome: "requeued" },
  unkept: { ttl: 0 },
  forgotten: { outcome: "failed", ttl: 0 },
};

const ANSWERS: EndReply[] = [
  "finished",
  "lost",
  "gone",
  "retried",
  "scheduled",
  "finished",
  "failed",
  "stopped",
  "requeued",
  "finished",
  "failed",
];

Deno.test("a list of ends takes few calls, and each gets its own answer", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const executions = await mixed(bench, worker);
  await bench.send("CONFIG", "RESETSTAT");
  const answers = await endAll(bench.workers, worker, executions, MIXED);
  assertEquals(answers, ANSWERS);
  // The plain successes, all others, and what the first call found to be no plain success.
  assertEquals(await scriptRuns(bench), 3);
  assertEquals(await bench.queued(), [
    "requeued",
    "retried",
    "of-failed",
    "of-parent",
  ]);
  assertEquals(await bench.members("rq:finished:q"), ["parent", "plain"]);
  assertEquals(await bench.members("rq:failed:q"), ["failed", "stopped"]);
  assertEquals(await bench.members("rq:scheduled:q"), ["scheduled"]);
  assertEquals(await bench.members("rq:wip:q"), []);
  assertEquals(await bench.status("lost"), "started");
  for (const id of ["gone", "unkept", "forgotten"]) {
    assertEquals(await bench.send("EXISTS", `rq:job:${id}`), 0);
  }
  const counts = texts(
    await bench.send(
      "HMGET",
      "rq:worker:w1",
      "successful_job_count",
      "failed_job_count",
      "total_working_time",
      "state",
    ),
  );
  assertEquals(counts, ["3", "5", "0.04", "idle"]);
});

Deno.test("a call with many ends, sent twice, changes nothing and answers the same", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const executions = await mixed(bench, worker);
  let after: Record<string, string> = {};
  const replies: Record<1 | 2, string[][]> = { 1: [], 2: [] };
  const client = echoing(bench.client, async (reply, time) => {
    if (time === 1) after = await bench.dump();
    replies[time].push(texts(reply));
  });
  const store = new WorkerStore(client, bench.keys);
  const answers = await endAll(store, worker, executions, MIXED);
  assertEquals(answers, ANSWERS);
  assertEquals(replies[2], replies[1]);
  assertEquals(await bench.dump(), after);
});

const FOREIGN: [string, string[]][] = [
  ["a job's hash", ["SET", "rq:job:job-50", "x"]],
  ["a job's results", ["SET", "rq:results:job-50", "x"]],
  ["a job's dependents", ["SET", "rq:job:job-50:dependents", "x"]],
  ["a job's executions", ["SET", "rq:executions:job-50", "x"]],
  ["the finished registry", ["SET", "rq:finished:q", "x"]],
  ["the started registry", ["SET", "rq:wip:q", "x"]],
  ["the worker's hash", ["SET", "rq:worker:w1", "x"]],
  ["the worker's counters", [
    ...["HSET", "rq:worker:w1", "successful_job_count", "many"],
    ...["total_working_time", "long"],
  ]],
];

Deno.test.each(FOREIGN)(
  "a foreign value under %s spoils none of the other 99 ends of a call",
  async (_name, [command, ...args]) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const ids = Array.from({ length: 100 }, (_, i) => `job-${i}`);
    const executions = await claimed(
      bench,
      worker,
      Object.fromEntries(ids.map((id) => [id, {}])),
    );
    await bench.send("DEL", args[0]!.includes("w1") ? "none" : args[0]!);
    await bench.send(command!, ...args);
    const answers = await endAll(bench.workers, worker, executions);
    const spoilt = args[0] === "rq:job:job-50" ? ["job-50"] : [];
    for (const [i, id] of ids.entries()) {
      if (spoilt.includes(id)) {
        assertEquals(answers[i], "gone");
        continue;
      }
      assertEquals([answers[i], await bench.status(id)], [
        "finished",
        "finished",
      ]);
      assertEquals(await bench.send("XLEN", `rq:results:${id}`), 1);
    }
  },
);

Deno.test("a job that cannot be put back stays leased, and the others of the call end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["q", "bad"]);
  const executions = await claimed(bench, worker, {
    a: {},
    b: { queue: "bad" },
    c: { queue: "bad", fields: { retries_left: 1, retry_intervals: "[60]" } },
  });
  await bench.send("SET", "rq:queue:bad", "x");
  await bench.send("SET", "rq:scheduled:bad", "x");
  const answers = await endAll(bench.workers, worker, executions, {
    b: { outcome: "requeued" },
    c: { outcome: "failed" },
  });
  assertEquals(answers, ["finished", "stuck", "stuck"]);
  assertEquals((await bench.members("rq:wip:bad")).length, 2);
  assertEquals([await bench.status("b"), await bench.status("c")], [
    "started",
    "started",
  ]);
});

Deno.test.each([
  { known: "neither", scripts: [] },
  { known: "that of the end", scripts: [SETTLE] },
  { known: "that of the claim", scripts: [CLAIM] },
  { known: "both", scripts: [SETTLE, CLAIM] },
])(
  "ends are recorded before the claim that goes with them, of the two scripts Redis knows $known",
  async ({ scripts }) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const [execution] = await claimed(bench, worker, { a: {} });
    await bench.send("SCRIPT", "FLUSH");
    for (const { lua } of scripts) await bench.send("SCRIPT", "LOAD", lua);
    const { ended, claimed: next } = bench.workers.endAndClaim(
      worker,
      [{ ...ENDING, execution: execution!, outcome: "requeued" }],
      "idle",
      { jobs: 1 },
    );
    assertEquals(await Promise.all(ended), ["requeued"]);
    const { executions } = await next;
    assertEquals(executions.map(({ job }) => job.id), ["a"]);
    assertEquals(executions[0]!.job.integer("x_attempts"), 2);
  },
);

Deno.test("ends and the claim that goes with them are asked for before either is answered", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const executions = await claimed(bench, worker, { a: {}, b: {}, c: {} });
  const steps: string[] = [];
  const client: RedisClient = {
    ...echoing(bench.client, () => {}),
    async send(command, args, options) {
      steps.push(args?.[0] === CLAIM.sha ? "claim" : "end");
      const reply = await bench.client.send(command, args, options);
      steps.push("reply");
      return reply;
    },
  };
  const { ended, claimed: next } = new WorkerStore(client, bench.keys)
    .endAndClaim(
      worker,
      executions.map((execution) => ({ ...ENDING, execution })),
      "idle",
      { jobs: 1 },
    );
  await Promise.all([...ended, next]);
  assertEquals(steps, ["end", "claim", "reply", "reply"]);
});

Deno.test.each<[string, Partial<Ending>[], number]>([
  ["60 successes", Array.from({ length: 60 }, () => ({})), 2],
  [
    "30 failures",
    Array.from({ length: 30 }, () => ({ outcome: "failed" as const })),
    2,
  ],
  [
    "a large result between two small ones",
    [{}, { payload: "A".repeat(1_000_000) }, {}],
    3,
  ],
])(
  "%s are recorded by no more calls than they need",
  async (_what, endings, calls) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const ids = endings.map((_, i) => `job-${i}`);
    const executions = await claimed(
      bench,
      worker,
      Object.fromEntries(ids.map((id) => [id, {}])),
    );
    await bench.send("CONFIG", "RESETSTAT");
    const answers = await endAll(
      bench.workers,
      worker,
      executions,
      Object.fromEntries(ids.map((id, i) => [id, endings[i]!])),
    );
    assertEquals(answers, endings.map(({ outcome = "finished" }) => outcome));
    assertEquals(await scriptRuns(bench), calls);
  },
);

Deno.test("ends of a call whose jobs have 50 dependents each release a hundred of them, later calls the rest", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const jobs = { a: {}, b: {}, c: {}, d: {} };
  const executions = await claimed(bench, worker, jobs);
  for (const parent of Object.keys(jobs)) {
    for (let i = 0; i < 50; i++) {
      await bench.add(`${parent}-${i}`, {
        dependsOn: [parent],
        fields: { allow_dependency_failures: 1 },
      });
    }
  }
  await bench.send("CONFIG", "RESETSTAT");
  await endAll(bench.workers, worker, executions, { d: { outcome: "failed" } });
  // The ends, and one call for each parent that was left. Of the plain ones nobody knew when they were claimed
  // that they are parents, which takes a call more.
  assertEquals(await scriptRuns(bench), 4);
  assertEquals((await bench.queued()).length, 200);
  assertEquals(await bench.members("rq:deferred:q"), []);
});

Deno.test("a full call that fails is rejected for each of its ends, and can be made again", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const executions = await claimed(bench, worker, { a: {}, b: {} });
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  const ends = executions.map((execution) => ({ ...ENDING, execution }));
  const failed = await Promise.allSettled(
    bench.workers.end(worker, ends, "idle"),
  );
  await bench.send("CONFIG", "SET", "maxmemory", 0);
  const first = failed.map(({ status }) => status);
  // Redis lets a script go on whose first write frees memory, or refuses it as a whole.
  assert(new Set(first).size === 1, `${first}`);
  assertEquals(await endAll(bench.workers, worker, executions), [
    "finished",
    "finished",
  ]);
  const results = list(await bench.send("XRANGE", "rq:results:a", "-", "+"));
  assertEquals(results.length, 1);
});
