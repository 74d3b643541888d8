/** What is kept of a job's steps, and jobs that sleep; see `lib/job/steps.ts`. @module */

import { MAX_SECONDS } from "../../base/duration.ts";
import { LEAST_KEPT, MOST_KEPT, MOST_STEPS } from "../../job/steps.ts";

/** See {@linkcode link}. */
export const STEPS_LUA: string = `
-- Keeps a value in a field of a job's hash; false if there is no room for it. "kept" are the bytes that were kept before.
local function keep_value(key, kept, name, value)
  local bytes = whole(kept) + math.max(#name + #value, ${LEAST_KEPT})
  if bytes > ${MOST_KEPT} then return false end
  redis.call('HSET', key, 'x_steps', string.format('%d', bytes), name, value)
  return true
end

-- Forgets what was kept of a job's steps: of all fields, only the names of these have a colon.
local function forget_steps(key) -- rare
  local names = {}
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.find(name, '^x_%l+:') and #names < ${MOST_STEPS} then names[#names + 1] = name end
  end
  redis.call('HDEL', key, 'x_steps', 'x_waits_for', unpack(names))
end

-- When a job that is about to sleep goes on, in seconds since 1970; nil for at once, since a signal has come in the meantime.
-- "payload" is the JSON of a Wake.
local function wake_of(job, payload) -- rare
  local sleep = cjson.decode(payload)
  for _, name in ipairs(sleep.signals) do
    if field(job.id, 'x_signal:' .. name) then return nil end
  end
  job.waits_for = #sleep.signals > 0 and cjson.encode(sleep.signals)
  return type(sleep.at) == 'number' and sleep.at or now + ${MAX_SECONDS}
end

-- Lets a job that has left its place sleep until it is due, or go on at once. That is no attempt.
local function fall_asleep(job, due) -- rare
  local key = job_key(job.id)
  uncount_start(job)
  if job.waits_for then redis.call('HSET', key, 'x_waits_for', job.waits_for)
  else redis.call('HDEL', key, 'x_waits_for') end
  admit(job, due, false)
end
`;
