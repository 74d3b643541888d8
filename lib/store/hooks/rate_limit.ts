/** The slot of a job in its rate limit, and the turn of its fair key. @module */

import type { Hook } from "./hook.ts";

/** The slot of a job that ends, and its turn if it has never started, go to the next ones that wait. */
export const RATE_LIMIT: Hook = {
  name: "rate_limit",
  reads: ["rate_limit_key"],
  marks: [], // FINISH frees the slot by itself, and the turn was given on when the job started
  lua: `
-- However the job has ended. As in RQ, one that is repeated at once keeps its slot.
local function rate_limit_ended(job, status)
  local again = status == 'finished' and not job.held and next_repeat(job)
  if not again or again.interval > 0 then free_slot(job) end
  free_turn(job)
end
`,
};
