/**
 * Stopping running jobs. Who stops a job writes into its hash which execution is to stop, and tells the worker over its
 * channel. The message may get lost; the hash is what counts: the worker's next heartbeat reads it, and however the execution
 * ends, other than by finishing, the job ends as stopped, also if its worker dies.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../../job/options.ts";
import { STOPPED_TEXT } from "../../job/stopped.ts";

/** See {@linkcode link}. */
export const STOPS_LUA: string = `
-- The failure of a job that was stopped and says nothing itself.
local function stopped_text() -- rare
  return exc_string('${STOPPED_TEXT}')
end

-- For how many seconds a job is kept that was stopped, and whose worker has not said it.
local function stopped_ttl(job)
  return seconds(job.failure_ttl, ${DEFAULT_FAILURE_TTL})
end

-- Ends a job as stopped whose execution nobody carries on, and that has left its place.
local function end_stopped(job, e) -- rare
  local run = {worker = job.worker_name or '', e = e, attempt = math.max(whole(job.x_attempts), 1)}
  fail(job, 'stopped', 3, stopped_ttl(job), stopped_text(), run)
end
`;
