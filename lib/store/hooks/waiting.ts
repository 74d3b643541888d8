/** Waiters: clients that wait for the end of a job. @module */

import type { Hook } from "./hook.ts";

/**
 * Clients that wait for a job read the stream of its results; an end without an entry there is announced in the stream
 * of ends. Errors are ignored: clients also poll.
 */
export const WAITING: Hook = {
  name: "waiting",
  reads: ["x_waited"],
  marks: [],
  lua: `
-- Wakes clients that wait for a job; "how" is the status with which it ended.
local function wake(id, how)
  redis.pcall('XADD', ends_key(), 'MAXLEN', '~', 1000, '*', 'job_id', id, 'how', how)
  redis.pcall('EXPIRE', ends_key(), 60)
end

-- Wakes them once, unless a result does.
local function waiting_ended(job, status)
  if not job.x_waited or job.has_result or job.woken then return end
  job.woken = true
  wake(job.id, status == 'deleted' and job.status or status)
end
`,
};
