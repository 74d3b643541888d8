/** The transitions of the table that have to do with fair keys. */

import { FAIR, giveTurn, occupyTurn, shareJob } from "./job_circumstances.ts";
import { QUEUE } from "./job_states.ts";
import { TRANSITIONS } from "./job_transitions.ts";
import {
  enqueue,
  inCircumstances,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** A transition of a job without a fair key, in further circumstances. */
function after(
  name: string,
  circumstance: (stage: Stage) => Promise<unknown>,
): Transition {
  return inCircumstances(TRANSITIONS[name]!, circumstance);
}

/** Each of them, by the name that the table has for it. */
export const TURN_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, fair key": { run: (stage) => enqueue(stage, { fields: FAIR }) },
  "enqueue, not its turn": {
    prepare: occupyTurn,
    run: (stage) => enqueue(stage, { fields: FAIR }),
  },
  "enqueue, fair and late": {
    run: (stage) => enqueue(stage, { fields: FAIR, due: "+3600" }),
  },
  "cancel, has the turn": after("cancel", giveTurn),
  "cancel, waits for its turn": after("cancel", shareJob),
  "delete, has the turn": after("delete", giveTurn),
  "delete, waits for its turn": after("delete", shareJob),
  "requeue, fair key": after("requeue", shareJob),
  "requeue, not its turn": after("requeue", occupyTurn),
  "take off, has the turn": after("take off the queue", giveTurn),
  "take off, waits for its turn": after("take off the queue", shareJob),
  "empty the queue, fair key": after("empty the queue", shareJob),
  "delete the queue, fair key": after("delete the queue", shareJob),
  "claim, has the turn": after("claim", giveTurn),
  "finish, fair key": after("finish", shareJob),
  "fail, fair key": after("fail, a retry is left", shareJob),
  "fail, not its turn": after("fail, a retry is left", occupyTurn),
  "put back, fair key": after("put back", shareJob),
  "recover, fair key": after("recover, lease ran out", shareJob),
  "promote scheduled, fair key": after("promote scheduled, due", shareJob),
  "promote scheduled, no turn": after("promote scheduled, due", occupyTurn),
  "its parent ends, fair key": after("its parent finishes", shareJob),
  "its parent ends, no turn": after("its parent finishes", occupyTurn),
  "pass turns": {
    reports: true,
    prepare: shareJob,
    run: async ({ sweeps }) => `${(await sweeps.passTurns(QUEUE, "0")).passed}`,
  },
  "pass turns, has the turn": {
    reports: true,
    prepare: giveTurn,
    run: async ({ sweeps }) => `${(await sweeps.passTurns(QUEUE, "0")).passed}`,
  },
};
