/** Behind `job.signal()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Gives a job a signal, and lets the job go on if it sleeps until that comes. The first signal of a name counts.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the signal's name   4 its value   5 token of this call
 * reply { "given" }   { "late" } it has one of this name, or no longer waits for it   { "ended", status }   { "gone" }
 *       { "full" } there is no room for it   { "unfit" } a key of the queue holds another type of value
 * ```
 *
 * A job that has failed takes signals, too: it may be requeued. The hash keeps the token, so that the same call, repeated,
 * gets the same answer.
 */
export const SIGNAL: Script = script(
  "signal",
  `
local id, given, wait = ARGV[2], 'x_signal:' .. ARGV[3], 'x_wait:' .. ARGV[3]
local job = get_job(id, 'x_steps', 'x_waits_for', 'ended_at', 'enqueue_at_front', given, wait)
if not job.data then return {'gone'} end
local before = job[given]
if before then return {string.match(before, '^%S+') == ARGV[5] and 'given' or 'late'} end
if job[wait] == 'over' then return {'late'} end
if job.status == 'finished' or job.status == 'canceled' then return {'ended', job.status} end

-- A job with ended_at is scheduled for a retry: then the field is of an earlier run.
local function is_waiting()
  if job.status ~= 'scheduled' or job.ended_at or not job.x_waits_for then return false end
  local ok, names = pcall(cjson.decode, job.x_waits_for)
  for _, name in ipairs(ok and type(names) == 'table' and names or {}) do
    if name == ARGV[3] then return true end
  end
  return false
end

local goes_on = is_waiting()
if goes_on and not can_admit(job) then return {'unfit'} end
if not keep_value(KEYS[1], job.x_steps, given, ARGV[5] .. ' ' .. ARGV[4]) then return {'full'} end
if goes_on then
  leave(job)
  admit(job, nil, job.enqueue_at_front == '1')
end
return {'given'}
`,
);
