/** The transitions of the table that have to do with windows of rate limits; tests/store/window_table.ts has their rows. */

import {
  fillWindow,
  letThrough,
  openWindow,
  planLook,
} from "./job_circumstances.ts";
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
};
