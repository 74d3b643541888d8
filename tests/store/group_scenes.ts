/** Calls that are sent twice, of jobs in groups; see tests/store/replay_test.ts. */

import {
  cancelGroup,
  deleteGroup,
  groupExists,
  holdGroup,
  lookAtGroup,
} from "../../lib/store/group_store.ts";
import { addAsPython, addTo, ALL_CALLS, create } from "./groups.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { type Ending, endOne, newJob } from "./support.ts";

const ENDING = { payload: "", workedMs: 5 };

/** A group in a group, with a member. */
async function grouped(
  { bench }: Twice,
  fields: Record<string, string | number> = {},
): Promise<void> {
  await create(bench, "outer", { calls: ALL_CALLS });
  await create(bench, "g", { parent: "outer", calls: ALL_CALLS });
  await addTo(bench, "g", "a", fields);
}

function lastEnd(
  outcome: Ending["outcome"],
  fields: Record<string, string | number> = {},
  ttl = 500,
): Scene {
  return async (twice) => {
    await grouped(twice, fields);
    const { bench, workers, worker } = twice;
    const execution = await bench.claim(worker);
    return () =>
      endOne(workers, worker, execution, { ...ENDING, outcome, ttl });
  };
}

/** A member is counted once, and what the group calls for is enqueued once. */
export const GROUP_SCENES: [string, Scene][] = [
  [
    "create a group",
    ({ jobs }) =>
      Promise.resolve(() => create({ jobs }, "g", { calls: ALL_CALLS })),
  ],
  ["create a group: taken", async ({ bench, jobs }) => {
    await create(bench, "g");
    return () => create({ jobs }, "g");
  }],
  ["create a group in another one", async ({ bench, jobs }) => {
    await create(bench, "outer");
    return () => create({ jobs }, "g", { parent: "outer" });
  }],
  ["enqueue: into a group", async (twice) => {
    await grouped(twice);
    const job = newJob("b", { fields: { group_id: "g" } });
    return () => twice.jobs.enqueue(job);
  }],
  ["enqueue: into a group that there is not", ({ jobs }) => {
    const job = newJob("b", { fields: { group_id: "g" } });
    return Promise.resolve(() => jobs.enqueue(job).catch(String));
  }],
  ["hold a group", async (twice) => {
    await grouped(twice);
    return () => holdGroup(twice.jobs, "g", "one", 60);
  }],
  ["let go of a group", async (twice) => {
    const { bench, jobs } = twice;
    await create(bench, "g", { calls: ALL_CALLS });
    await holdGroup(bench.jobs, "g", "one", 60);
    return () => holdGroup(jobs, "g", "one", 0);
  }],
  ["finish: the last of a group", lastEnd("finished")],
  ["finish: the last of a group, not kept", lastEnd("finished", {}, 0)],
  ["finish: of a group, repeated", lastEnd("finished", { repeats_left: 1 })],
  ["finish: the last of a group, failed", lastEnd("failed")],
  ["finish: the last of a group, stopped", lastEnd("stopped")],
  ["finish: of a group, retried", lastEnd("failed", { retries_left: 1 })],
  ["finish: of a group, requeued", lastEnd("requeued")],
  ["cancel: the last of a group", async (twice) => {
    await grouped(twice);
    return () => twice.jobs.cancel("a");
  }],
  ["requeue: the last of a group", async (twice) => {
    await grouped(twice);
    const { bench, worker, jobs } = twice;
    await bench.run(worker, { outcome: "failed" });
    return () => jobs.requeue("a", false);
  }],
  ["look at a group: an end of Python's", async (twice) => {
    await grouped(twice);
    const { bench, jobs } = twice;
    await addAsPython(bench, "g", "theirs");
    await bench.send("HSET", "rq:job:a", "status", "finished");
    await bench.send("HSET", "rq:job:theirs", "status", "failed");
    return () => lookAtGroup(jobs, "g");
  }],
  ["cancel a group", async (twice) => {
    await grouped(twice);
    return () => cancelGroup(twice.jobs, "outer");
  }],
];

/** The same, where the second answer may be another one. */
export const GROUP_REPORTS: [string, Scene][] = [
  ["delete: the last of a group", async (twice) => {
    await grouped(twice);
    return () => twice.jobs.delete("a");
  }],
  ["delete a group", async (twice) => {
    await grouped(twice);
    return async () => {
      await deleteGroup(twice.jobs, "g", false);
      return await groupExists(twice.jobs, "g");
    };
  }],
  ["clean groups", async (twice) => {
    await grouped(twice);
    await twice.bench.send("DEL", "rq:job:a");
    return () => twice.sweeps.cleanGroups();
  }],
];
