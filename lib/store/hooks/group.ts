/** The group that a job belongs to. @module */

import type { Hook } from "./hook.ts";

/** RQ's groups: a set of ids, out of which a job is taken when it is removed. */
export const GROUP: Hook = {
  name: "group",
  reads: ["group_id"],
  marks: [],
  lua: `
-- A group names no jobs that are gone.
local function group_ended(job, status)
  if status ~= 'deleted' or not job.group_id or job.group_id == '' then return end
  redis.pcall('SREM', group_key(job.group_id), job.id)
end
`,
};
