/** Behind `job.stop()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Asks that the run of a job be stopped, and tells its worker over its channel. Who asks first is stored. If its lease has run
 * out, so that nobody runs the job, it ends as stopped at once.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the execution that an earlier call has asked to stop; "" for the one that runs now
 *       4 "1" if an earlier call has asked, else "0"   5 by whom, "" if that is not said   6 why, the same
 * reply { "asked", execution }   { "gone" }   { "not started", status }
 *       { "stopped", the cursor to release further dependents from, "0" for none } also if it was put back on its queue since
 * ```
 *
 * The hash keeps the execution: a repeated call finds it, and if the job has begun anew since, that run is left alone.
 */
export const STOP: Script = script(
  "stop",
  `
local id, asked, again = ARGV[2], ARGV[3], ARGV[4] == '1'
local job = get_job(id, 'x_stop', 'failure_ttl', 'x_attempts')
if not job.data then return {'gone'} end
if job.status == 'stopped' then
  return {'stopped', redis.pcall('HEXISTS', RELEASING, id) == 1 and 'begin' or '0'}
end
local runs = job.status == 'started'
local live = runs and live_execution(id, job.q, job.x_execution)
local e = live or job.x_execution or ''
if again and not (runs and e == asked) then
  -- a job that was stopped and has begun anew is not marked any more
  if job.x_stop ~= asked then return {'stopped', '0'} end
  runs = false
end
if not runs then return {'not started', job.status} end
if job.x_stop ~= e then
  redis.call('HDEL', KEYS[1], 'x_stop_by', 'x_stop_reason') -- first, since a full Redis accepts it, and then the rest, too
  redis.call('HSET', KEYS[1], 'x_stop', e)
  if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'x_stop_by', ARGV[5]) end
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'x_stop_reason', ARGV[6]) end
end
if not live then
  leave(job)
  end_stopped(job, e)
  return {'stopped', job.cursor or '0'}
end
if live == job.x_execution then stop_execution(job, live) else stop_run(job) end
return {'asked', e}
`,
);
