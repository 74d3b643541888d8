/** The unique key of a job. @module */

import type { Hook } from "./hook.ts";

/** A job that ends frees its unique key, unless it is held for a time. It comes behind the repeats: such a job keeps it. */
export const UNIQUE: Hook = {
  name: "unique",
  reads: ["x_unique"],
  marks: ["x_unique"],
  lua: `
-- Frees a job's unique key. Another job may hold it by now: this one had begun, or somebody has freed the key.
local function free_unique(job) -- rare
  local name = unique_name(job.origin, job.x_unique)
  local value = unique_value(name)
  if value and value.till ~= 'window' and value.id == job.id then drop_unique(name) end
end

-- However the job has ended, unless it is repeated, now or when its dependents are released.
local function unique_ended(job, status)
  if not job.x_unique or job.again or not job.origin then return end
  if status == 'finished' and job.held and next_repeat(job) then return end
  free_unique(job)
end
`,
};
