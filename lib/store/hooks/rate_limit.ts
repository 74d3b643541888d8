/** The slot of a job in its rate limit. @module */

import type { Hook } from "./hook.ts";

/** RQ's rate limits: the slot of a job that ends goes to the next one that waits. */
export const RATE_LIMIT: Hook = {
  name: "rate_limit",
  reads: ["rate_limit_key"],
  marks: ["rate_limit_key"],
  lua: `
-- However the job has ended.
local function rate_limit_ended(job)
  free_slot(job)
end
`,
};
