/** The table of the transitions that add to a job's log; tests/store/transitions_test.ts explains and tries it. */

import { addLog } from "../../lib/store/log_lines.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { lostExecution } from "./job_states.ts";
import type { Stage, Transition } from "./transition_calls.ts";

/** See {@linkcode LOG_TRANSITIONS}. */
export const LOG_TABLE: string = `
                             | otherwise         queued        popped         started     rq-started  finished         failed         stopped      deferred         scheduled         canceled     created   ready         limited      gone

log                          | =                 .             .              =           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              written     .           .                .              .            .                .                 .            .         .             .            .
log, lease lost              | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              .           .           .                .              .            .                .                 .            .         .             .            .
`;

/** The transitions of the table. */
export const LOG_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "log": { run: (stage) => log(stage, stage.execution) },
  "log, lease lost": { run: (stage) => log(stage, lostExecution()) },
};

async function log({ workers }: Stage, execution: Execution): Promise<string> {
  const lines = [["log", "text"]] as const;
  const addition = { call: 1, most: 1_000, dropped: 0, lines };
  return await addLog(workers, execution, addition) ? "written" : "lost";
}
