/** Calls that are sent twice, of what tells workers what not to do; see tests/store/replay_test.ts. */

import { pauseQueue, suspendWorkers } from "../../lib/store/pauses.ts";
import { askToStop } from "../../lib/store/stop_job.ts";
import type { Scene } from "./replay_test.ts";
import { ABANDONED, endOne } from "./support.ts";

export const CONTROL_SCENES: [string, Scene][] = [
  [
    "pause",
    ({ jobs }) => Promise.resolve(() => pauseQueue(jobs, "q", Infinity)),
  ],
  [
    "suspend",
    ({ jobs }) => Promise.resolve(() => suspendWorkers(jobs, Infinity)),
  ],
  ["claim: paused", async ({ bench, worker, workers }) => {
    await bench.add("a");
    await pauseQueue(bench, "q", Infinity);
    return () => workers.claim(worker, { jobs: 1 });
  }],
  ["stop: asked", async ({ bench, worker, jobs }) => {
    await bench.add("a");
    await bench.claim(worker);
    return () => askToStop(jobs, "a", { by: "ann", reason: "too slow" });
  }],
  ["stop: nobody runs it", async ({ bench, worker, jobs }) => {
    await bench.add("a");
    for (const id of ["c1", "c2"]) await bench.add(id, { dependsOn: ["a"] });
    await bench.expire(await bench.claim(worker));
    return () => askToStop(jobs, "a", { reason: "too slow" });
  }],
  ["stop: not started", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => askToStop(jobs, "a", {});
  }],
  ["fail: asked to stop", async ({ bench, worker, workers, jobs }) => {
    await bench.add("a", { fields: { retries_left: 1 } });
    const execution = await bench.claim(worker);
    await askToStop(jobs, "a", {});
    const end = {
      outcome: "failed",
      ttl: 500,
      payload: "",
      workedMs: 5,
    } as const;
    return () => endOne(workers, worker, execution, end);
  }],
  [
    "put back: asked to stop, not kept",
    async ({ bench, worker, workers, jobs }) => {
      await bench.add("a", { fields: { failure_ttl: 0 } });
      const execution = await bench.claim(worker);
      await askToStop(jobs, "a", {});
      const end = {
        outcome: "requeued",
        ttl: 0,
        payload: "",
        workedMs: 5,
      } as const;
      return () => endOne(workers, worker, execution, end);
    },
  ],
];

/** Those whose second answer is that nothing was done. */
export const CONTROL_REPORTS: [string, Scene][] = [
  ["recover: asked to stop", async ({ bench, worker, sweeps, jobs }) => {
    await bench.add("a");
    const execution = await bench.claim(worker);
    await askToStop(jobs, "a", {});
    await bench.expire(execution);
    return () => sweeps.recover("q", ABANDONED);
  }],
];
