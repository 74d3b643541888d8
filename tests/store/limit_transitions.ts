/** The transitions of the table that have to do with rate limits. */

import {
  addParentWithSlot,
  giveSlot,
  limitJob,
  occupySlot,
} from "./job_circumstances.ts";
import { TRANSITIONS } from "./job_transitions.ts";
import {
  endParent,
  enqueue,
  inCircumstances,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** The limit of the job. */
const LIMIT = { rate_limit_key: "key", rate_limit_concurrency: 1 };

/** A transition of a job without a limit, in further circumstances. */
function after(
  name: string,
  ...circumstances: ((stage: Stage) => Promise<unknown>)[]
): Transition {
  return inCircumstances(TRANSITIONS[name]!, ...circumstances);
}

/** Each of them, by the name that the table has for it. */
export const LIMIT_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, rate limited": {
    run: (stage) => enqueue(stage, { fields: LIMIT }),
  },
  "enqueue, no slot is free": {
    prepare: occupySlot,
    run: (stage) => enqueue(stage, { fields: LIMIT }),
  },
  "enqueue, limited and late": {
    run: (stage) => enqueue(stage, { fields: LIMIT, due: "+3600" }),
  },
  "cancel, has a slot": after("cancel", giveSlot),
  "delete, has a slot": after("delete", giveSlot),
  "requeue, rate limited": after("requeue", limitJob),
  "requeue, no slot is free": after("requeue", limitJob, occupySlot),
  "empty the queue, has a slot": after("empty the queue", giveSlot),
  "claim, has a slot": after("claim", giveSlot),
  "finish, has a slot": after("finish", giveSlot),
  "fail, has a slot": after("fail", giveSlot),
  "fail, keeps its slot": after("fail, a retry is left", giveSlot),
  "fail, slot given back": after("fail, a retry later is left", giveSlot),
  "stop, has a slot": after("stop", giveSlot),
  "put back, has a slot": after("put back", giveSlot),
  "release, has a slot": after("return, not begun", giveSlot),
  "recover, has a slot": after("recover, lease ran out", giveSlot),
  "recover, 4th time, slot": after("recover, for the 4th time", giveSlot),
  "promote scheduled, limited": after("promote scheduled, due", limitJob),
  "promote scheduled, no slot": after(
    "promote scheduled, due",
    limitJob,
    occupySlot,
  ),
  "its parent ends, limited": after("its parent finishes", limitJob),
  "its parent ends, no slot": after(
    "its parent finishes",
    limitJob,
    occupySlot,
  ),
  "promote ready": {
    reports: true,
    run: async ({ sweeps }) => `${await sweeps.promoteReady("q")}`,
  },
  "promote ready, no slot": {
    reports: true,
    async prepare(stage) {
      await limitJob(stage);
      await occupySlot(stage);
    },
    run: async ({ sweeps }) => `${await sweeps.promoteReady("q")}`,
  },
  "a slot is freed": {
    prepare: addParentWithSlot,
    run: (stage) => endParent(stage, "finished"),
  },
  "clean the limit": {
    reports: true,
    run: async ({ sweeps }) => `${await sweeps.cleanLimits()}`,
  },
  "clean the limit, has a slot": {
    reports: true,
    prepare: giveSlot,
    run: async ({ sweeps }) => `${await sweeps.cleanLimits()}`,
  },
};
