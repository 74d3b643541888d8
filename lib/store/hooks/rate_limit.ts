/** The slot of a job in its rate limit. @module */

import type { Hook } from "./hook.ts";

/** RQ's rate limits: the slot of a job that ends goes to the next one that waits. */
export const RATE_LIMIT: Hook = {
  name: "rate_limit",
  reads: ["rate_limit_key"],
  marks: ["rate_limit_key"],
  lua: `
-- However the job has ended. As in RQ, one that is repeated at once keeps its slot.
local function rate_limit_ended(job, status)
  local again = status == 'finished' and not job.held and next_repeat(job)
  if not again or again.interval > 0 then free_slot(job) end
end
`,
};
