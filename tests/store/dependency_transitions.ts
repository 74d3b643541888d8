/** The transitions of the table in which a parent of the job ends. */

import type { IfParentFails } from "../../lib/job/dependency.ts";
import {
  addParent,
  beginRelease,
  setFields,
  waitForParent,
} from "./job_circumstances.ts";
import { JOB, PARENT, PARENTS_QUEUE } from "./job_states.ts";
import { childOf, policyFields } from "./edges.ts";
import {
  endParent,
  enqueue,
  silent,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** The job waits for its parent, with a policy. */
function waits(policy: IfParentFails) {
  return async (stage: Stage) => {
    await waitForParent(stage);
    await setFields(stage, policyFields({ [PARENT]: policy }));
  };
}

/** The same, and the parent has ended without a word. */
function missed(policy: IfParentFails, status: string) {
  return async (stage: Stage) => {
    await waits(policy)(stage);
    const { bench } = stage;
    await bench.send("HSET", bench.keys.job(PARENT), "status", status);
  };
}

function enqueueAfter(policy: IfParentFails): Transition {
  return {
    async prepare(stage) {
      await addParent(stage);
      const { bench } = stage;
      await bench.send("HSET", bench.keys.job(PARENT), "status", "failed");
    },
    run: (stage) => enqueue(stage, childOf(PARENT, policy)),
  };
}

/** Each of them, by the name that the table has for it. */
export const DEPENDENCY_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, parent failed: fail": enqueueAfter("fail"),
  "enqueue, failed: cancel": enqueueAfter("cancel"),
  "enqueue, failed: run": enqueueAfter("run"),
  "its parent fails: fail": {
    prepare: waits("fail"),
    run: (stage) => endParent(stage, "failed"),
  },
  "its parent fails: cancel": {
    prepare: waits("cancel"),
    run: (stage) => endParent(stage, "failed"),
  },
  "its parent fails: run": {
    prepare: waits("run"),
    run: (stage) => endParent(stage, "failed"),
  },
  "its parent finishes: fail": {
    prepare: waits("fail"),
    run: (stage) => endParent(stage, "finished"),
  },
  "its parent is stopped: fail": {
    prepare: waits("fail"),
    run: (stage) => endParent(stage, "stopped"),
  },
  "its parent is canceled: run": {
    prepare: waits("run"),
    run: ({ jobs }) => jobs.cancel(PARENT).then(silent),
  },
  "canceled, it is to go on": {
    prepare: waits("wait"),
    run: ({ jobs }) =>
      jobs.cancel(PARENT, { enqueueDependents: true }).then(silent),
  },
  "its parent is deleted: fail": {
    prepare: waits("fail"),
    run: ({ jobs }) => jobs.delete(PARENT).then(silent),
  },
  "its parent is deleted: run": {
    prepare: waits("run"),
    run: ({ jobs }) => jobs.delete(PARENT).then(silent),
  },
  "deleted with its parent": {
    prepare: waits("wait"),
    run: ({ jobs }) => jobs.delete(PARENT, true).then(silent),
  },
  "sweep, parent failed: fail": {
    reports: true,
    prepare: missed("fail", "failed"),
    run: async ({ sweeps }) => `${await sweeps.promoteDeferred("q")}`,
  },
  "sweep, canceled: run": {
    reports: true,
    prepare: missed("run", "canceled"),
    run: async ({ sweeps }) => `${await sweeps.promoteDeferred("q")}`,
  },
  "go on ending it": {
    reports: true,
    async prepare(stage) {
      await beginRelease(stage);
      await missed("fail", "failed")(stage);
      const { bench } = stage;
      const held = `failed 500 ${PARENTS_QUEUE}`;
      await bench.send("HSET", bench.keys.releasing, PARENT, held);
    },
    run: async ({ sweeps }) => `${await sweeps.releaseHeld()}`,
  },
  "cancel, and be forgotten": {
    prepare: waits("wait"),
    async run({ jobs }) {
      const wishes = { removeFromDependencies: true };
      const { done, gone } = await jobs.cancel(JOB, wishes);
      return done ? "canceled" : gone ? "gone" : "already";
    },
  },
};
