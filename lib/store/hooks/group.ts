/** The group of a job. @module */

import type { Hook } from "./hook.ts";

/** RQ's groups: sets of ids, from which a job is removed when it is deleted. */
export const GROUP: Hook = {
  name: "group",
  reads: ["group_id"],
  marks: [],
  lua: `
-- A group must not contain jobs that are gone.
local function group_ended(job, status)
  if status ~= 'deleted' or not job.group_id or job.group_id == '' then return end
  redis.pcall('SREM', group_key(job.group_id), job.id)
end
`,
};
