/** The transitions of the table that have to do with paused queues; see tests/store/control_table.ts. */

import { pauseQueue } from "../../lib/store/pauses.ts";
import { JOB, QUEUE } from "./job_states.ts";
import { claim, type Transition } from "./transition_calls.ts";

/** Each of them, by the name that the table has for it. */
export const CONTROL_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "claim, paused": {
    prepare: ({ bench }) => pauseQueue(bench, QUEUE, Infinity),
    run: (stage) => claim(stage, [{ queue: QUEUE, jobId: JOB }]),
  },
  "claim, the pause is over": {
    reports: true,
    prepare: ({ bench }) => bench.send("HSET", bench.keys.paused, QUEUE, "1"),
    run: (stage) => claim(stage, []),
  },
};
