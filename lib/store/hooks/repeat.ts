/** Jobs that run again after each success. @module */

import { MAX_SECONDS } from "../../base/duration.ts";
import { FOR_EVER } from "../../job/repeat.ts";
import type { Hook } from "./hook.ts";

/**
 * RQ's repeats. A job with repeats left ends like any other: its result is stored, its dependents are released. Then it
 * begins anew in the same step. While its dependents are being released it stays finished, and RELEASE_DEPENDENTS repeats
 * it. RQ leaves its id in the finished registry as well; here it is in one place.
 */
export const REPEAT: Hook = {
  name: "repeat",
  reads: ["repeats_left", "repeat_intervals"],
  marks: ["repeats_left"],
  lua: `
-- How a job that finishes is repeated: after how many seconds, and the fields to write; nil if no repeat is left. Each
-- repeat uses the first interval, and drops it unless it is the only one.
local function next_repeat(job)
  local left = math.min(math.floor(tonumber(job.repeats_left or '') or 0), ${FOR_EVER})
  if not (left >= 1) then return nil end
  local ok, list = pcall(cjson.decode, job.repeat_intervals or '[]')
  local intervals = {}
  for i, value in ipairs(ok and type(list) == 'table' and list or {}) do
    intervals[i] = math.min(math.max(0, tonumber(value) or 0), ${MAX_SECONDS})
  end
  local interval, fields = intervals[1] or 0, {'repeats_left', string.format('%.0f', left - 1)}
  if #intervals > 1 then
    table.remove(intervals, 1)
    fields[3], fields[4] = 'repeat_intervals', cjson.encode(intervals)
  end
  return {interval = interval, fields = fields}
end

-- Lets a finished job begin anew, as if it had just been enqueued. Ask can_admit() before anything is written.
local function repeat_ended(job, status)
  local again = status == 'finished' and not job.held and next_repeat(job)
  if not again then return end
  local key = job_key(job.id)
  unregister('finished', job.q, job.id)
  for _, k in ipairs({key, dependents_key(job.id), dependencies_key(job.id)}) do expire(k, -1) end
  redis.call('HDEL', key, 'started_at', 'ended_at', 'x_execution', 'x_attempts', 'x_abandoned')
  if field(job.id, 'x_steps') then forget_steps(key) end
  admit(job, clock + again.interval, false, unpack(again.fields))
  job.again = true
end
`,
};
