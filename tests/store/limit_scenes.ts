/** Calls that are sent twice, of jobs with a rate limit or a fair key; see tests/store/replay_test.ts. */

import type { Execution } from "../../lib/store/worker_types.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { TURN_REPORTS, TURN_SCENES } from "./turn_scenes.ts";
import { type Ending, endOne, newJob } from "./support.ts";

const ENDING = { payload: "", workedMs: 5 };

const LIMIT = { rate_limit_key: "k", rate_limit_concurrency: 1 };

/** Jobs of one rate limit; the first has its only slot, and is started. */
async function limitedJobs(
  { bench, worker }: Twice,
  fields: Record<string, string | number> = {},
): Promise<Execution> {
  await bench.add("a", { fields: { ...LIMIT, ...fields } });
  for (const id of ["b", "c"]) await bench.add(id, { fields: LIMIT });
  return await bench.claim(worker);
}

function limitedEnding(
  outcome: Ending["outcome"],
  fields: Record<string, string | number> = {},
  ttl = 500,
): Scene {
  return async (twice) => {
    const execution = await limitedJobs(twice, fields);
    const { workers, worker } = twice;
    return () =>
      endOne(workers, worker, execution, { ...ENDING, outcome, ttl });
  };
}

const RETRY_LATER = { retries_left: 1, retry_intervals: "[600]" };

const WINDOW = { rate_limit_key: "k", x_rate_starts: 1, x_rate_per: 600 };

/** A slot that is freed goes to one job, and to no second one when the call is sent again. */
export const LIMIT_SCENES: [string, Scene][] = [
  ["enqueue: limited", ({ jobs }) => {
    const job = newJob("a", { fields: LIMIT });
    return Promise.resolve(() => jobs.enqueue(job));
  }],
  ["enqueue: no slot is free", async ({ bench, jobs }) => {
    await bench.add("a", { fields: LIMIT });
    const job = newJob("b", { fields: LIMIT });
    return () => jobs.enqueue(job);
  }],
  ["finish: limited", limitedEnding("finished")],
  ["finish: limited, not kept", limitedEnding("finished", {}, 0)],
  ["finish: limited, failed", limitedEnding("failed")],
  ["finish: limited, retried", limitedEnding("failed", { retries_left: 1 })],
  ["finish: limited, scheduled", limitedEnding("failed", RETRY_LATER)],
  ["finish: limited, requeued", limitedEnding("requeued")],
  ["cancel: limited", async (twice) => {
    await limitedJobs(twice);
    return () => twice.jobs.cancel("a");
  }],
  ["requeue: no slot is free", async (twice) => {
    const { bench, worker, jobs } = twice;
    await bench.end(worker, await limitedJobs(twice), { outcome: "failed" });
    return () => jobs.requeue("a", true);
  }],
  ["enqueue: its window is full", async ({ bench, jobs }) => {
    await bench.add("a", { fields: WINDOW });
    const job = newJob("b", { fields: WINDOW });
    return () => jobs.enqueue(job);
  }],
  ["enqueue: skipped", async ({ bench, jobs }) => {
    await bench.add("a", { fields: LIMIT });
    const job = newJob("b", { fields: { ...LIMIT, x_on_conflict: "skip" } });
    return () => jobs.enqueue(job);
  }],
  ["enqueue: the others that wait are canceled", async (twice) => {
    await limitedJobs(twice);
    const fields = { ...LIMIT, x_on_conflict: "keepLatest" };
    const job = newJob("d", { fields });
    return () => twice.jobs.enqueue(job);
  }],
  ["enqueue: all others are canceled", async (twice) => {
    await limitedJobs(twice);
    const fields = { ...LIMIT, x_on_conflict: "cancelRunning" };
    const job = newJob("d", { fields });
    return () => twice.jobs.enqueue(job);
  }],
  ["claim: let through a window", async ({ bench, worker, workers }) => {
    for (const id of ["a", "b"]) await bench.add(id, { fields: WINDOW });
    return () => workers.claim(worker, { jobs: 2 });
  }],
  ...TURN_SCENES,
];

/** The same, where the second answer may be another one. */
export const LIMIT_REPORTS: [string, Scene][] = [
  ["delete: limited", async (twice) => {
    await limitedJobs(twice);
    return () => twice.jobs.delete("a");
  }],
  ["clean limits", async (twice) => {
    await limitedJobs(twice);
    await twice.bench.send("DEL", "rq:job:a");
    return () => twice.sweeps.cleanLimits();
  }],
  ["claim: over its limit", async ({ bench, worker, workers }) => {
    await bench.add("a", { fields: { ...WINDOW, retries_left: 1 } });
    await bench.run(worker, { outcome: "failed" });
    return () => workers.claim(worker, { jobs: 1 });
  }],
  ["look at limits", async ({ bench, sweeps }) => {
    for (const id of ["a", "b"]) await bench.add(id, { fields: WINDOW });
    await bench.send("DEL", "rq:rl:k:x_starts");
    await bench.send("ZADD", "rq:x_looks:q", 1, "k");
    return () => sweeps.lookAtLimits("q");
  }],
  ["look at limits: a conflict", async (twice) => {
    const { bench, sweeps } = twice;
    await limitedJobs(twice);
    const fields = { ...LIMIT, x_on_conflict: "cancelRunning" };
    await bench.add("d", { fields, due: "+600" });
    await bench.send("ZADD", "rq:scheduled:q", 1, "d");
    await sweeps.promoteScheduled("q");
    return () => sweeps.lookAtLimits("q");
  }],
  ["promote ready", async ({ bench, sweeps }) => {
    await bench.add("a", { fields: LIMIT });
    await bench.add("b", { fields: LIMIT });
    await bench.send("ZREM", "rq:rl:k:rate_limited", "b");
    await bench.send("HSET", "rq:job:b", "status", "ready_to_enqueue");
    await bench.send("ZADD", "rq:ready:q", 1, "b");
    return () => sweeps.promoteReady("q");
  }],
  ...TURN_REPORTS,
];
