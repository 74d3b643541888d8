/** The log of a job. @module */

import { OPEN_SECONDS } from "../lua/job_logs.ts";
import type { Hook } from "./hook.ts";

/** A log is kept as long as its job; that of a job that begins anew goes on. */
export const LOG: Hook = {
  name: "log",
  reads: ["x_log"],
  marks: ["x_log"],
  lua: `
local function log_ended(job, status)
  if not job.x_log then return end
  if status == 'deleted' then redis.call('DEL', log_key(job.id))
  elseif job.again then expire(log_key(job.id), ${OPEN_SECONDS})
  elseif job.ttl ~= 0 then expire(log_key(job.id), job.ttl) end
end
`,
};
