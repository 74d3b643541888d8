/** The transitions of the table that have to do with windows of rate limits, and conflicts; see tests/store/window_table.ts. */

import {
  addParentWithSlot,
  fillWindow,
  giveSlot,
  letThrough,
  limitJob,
  openWindow,
  planLook,
  setFields,
} from "./job_circumstances.ts";
import type { OnConflict } from "../../lib/job/rate_limit.ts";
import { PARENTS_QUEUE } from "./job_states.ts";
import { newJob } from "./support.ts";
import { TRANSITIONS } from "./job_transitions.ts";
import {
  claim,
  enqueue,
  inCircumstances,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** The limit of the job. */
const WINDOW = { rate_limit_key: "key", x_rate_starts: 1, x_rate_per: 600 };

/** One slot, and what a job does about others. */
const alone = (how: OnConflict) => ({
  rate_limit_key: "key",
  rate_limit_concurrency: 1,
  x_on_conflict: how,
});

/** Enqueues another job of the limit, on another queue. */
async function enqueueOther(
  { jobs }: Stage,
  how: OnConflict,
): Promise<string> {
  const created_at = "2026-02-03T04:05:06.000007Z"; // not that of the job
  const fields = { ...alone(how), created_at };
  const other = newJob("other", { queue: PARENTS_QUEUE, fields });
  return (await jobs.enqueue(other)).status;
}

const look = async ({ sweeps }: Stage) =>
  `${(await sweeps.lookAtLimits("q")).moved}`;

/** Each of them, by the name that the table has for it. */
export const WINDOW_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, in the window": {
    run: (stage) => enqueue(stage, { fields: WINDOW }),
  },
  "enqueue, window is full": {
    prepare: fillWindow,
    run: (stage) => enqueue(stage, { fields: WINDOW }),
  },
  "claim, let through": inCircumstances(TRANSITIONS["claim"]!, letThrough),
  "claim, in the window": inCircumstances(TRANSITIONS["claim"]!, openWindow),
  "claim, window is full": {
    reports: true,
    prepare: fillWindow,
    run: (stage) => claim(stage, []),
  },
  "cancel, let through": inCircumstances(TRANSITIONS["cancel"]!, letThrough),
  "look at the limit": {
    reports: true,
    async prepare(stage) {
      await openWindow(stage);
      await planLook(stage);
    },
    run: look,
  },
  "look, window is full": {
    reports: true,
    async prepare(stage) {
      await fillWindow(stage);
      await planLook(stage);
    },
    run: look,
  },

  "enqueue, it is skipped": {
    prepare: addParentWithSlot,
    run: (stage) => enqueue(stage, { fields: alone("skip") }),
  },
  "another one, keepLatest": {
    prepare: limitJob,
    run: (stage) => enqueueOther(stage, "keepLatest"),
  },
  "another one, cancelRunning": {
    prepare: giveSlot,
    run: (stage) => enqueueOther(stage, "cancelRunning"),
  },
  "look, it skips": {
    reports: true,
    async prepare(stage) {
      await addParentWithSlot(stage);
      await setFields(stage, alone("skip"));
      await planLook(stage);
    },
    run: look,
  },
};
