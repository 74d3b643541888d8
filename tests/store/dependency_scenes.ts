/** Calls that are sent twice, of jobs with parents and policies; see tests/store/replay_test.ts. */

import type { IfParentFails } from "../../lib/job/dependency.ts";
import { childOf } from "./edges.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { type Ending, endOne, newJob, sweepAll } from "./support.ts";

/** A job `p`, one that depends on it for each policy, and one that depends on each of these. */
async function family({ bench }: Twice): Promise<void> {
  await bench.add("p");
  for (const policy of ["wait", "fail", "cancel", "run"] as IfParentFails[]) {
    await bench.add(policy, childOf("p", policy));
    await bench.add(`of-${policy}`, childOf(policy, "fail"));
  }
}

function ending(outcome: Ending["outcome"], ttl = 500): Scene {
  return async (twice) => {
    await family(twice);
    const { bench, worker, workers } = twice;
    const execution = await bench.claim(worker);
    const end = { payload: "", workedMs: 5, outcome, ttl };
    return () => endOne(workers, worker, execution, end);
  };
}

/** The end of a parent is the end of its children, and of theirs, once, however often it is told. */
export const DEPENDENCY_SCENES: [string, Scene][] = [
  ["enqueue: a parent is unknown", ({ jobs }) => {
    const job = newJob("a", { dependsOn: ["gone"] });
    return Promise.resolve(() => jobs.enqueue(job).catch(String));
  }],
  ...(["fail", "cancel", "run"] as const).map((policy): [string, Scene] => [
    `enqueue: the parent has failed, ${policy}`,
    async ({ bench, worker, jobs }) => {
      await bench.add("p");
      await bench.run(worker, { outcome: "failed" });
      const job = newJob("a", childOf("p", policy));
      return () => jobs.enqueue(job);
    },
  ]),
  ["the end of a parent: failed", ending("failed")],
  ["the end of a parent: failed, not kept", ending("failed", 0)],
  ["the end of a parent: stopped", ending("stopped")],
  ["the end of a parent: canceled", async (twice) => {
    await family(twice);
    return () => twice.jobs.cancel("p");
  }],
  ["the end of a parent: canceled, its dependents go on", async (twice) => {
    await family(twice);
    return () => twice.jobs.cancel("p", { enqueueDependents: true });
  }],
  [
    "the end of a parent: the child is canceled and forgotten",
    async (twice) => {
      await family(twice);
      return () => twice.jobs.cancel("wait", { removeFromDependencies: true });
    },
  ],
  ["the end of a parent: deleted", async (twice) => {
    await family(twice);
    return () => twice.jobs.delete("p").then(() => undefined);
  }],
  ["the end of a parent: deleted with its dependents", async (twice) => {
    await family(twice);
    return () => twice.jobs.delete("p", true).then(() => undefined);
  }],
  [
    "sweep: a parent has failed, and nobody has told its children",
    async (twice) => {
      await family(twice);
      const { bench, sweeps } = twice;
      await bench.send("HSET", "rq:job:p", "status", "failed");
      await bench.send("DEL", "rq:job:p:dependents");
      return () => sweepAll(sweeps, "q");
    },
  ],
  ["sweep: a release that is not complete", async (twice) => {
    await family(twice);
    const { bench, sweeps } = twice;
    await bench.send("HSET", "rq:job:p", "status", "failed");
    await bench.send("HSET", "rq:x_releasing", "p", "failed 500 q");
    return () => sweepAll(sweeps, "q");
  }],
];
