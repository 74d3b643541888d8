/** A job's hash. Anybody may have written it, and anything may be under its key. @module */

import { ENDED_STATUSES } from "../../job/status.ts";

/** See {@linkcode link}. */
export const JOBS_LUA: string = `
-- Whether there is such a job: a hash that has data.
local function is_job(id)
  return redis.pcall('HEXISTS', job_key(id), 'data') == 1
end

-- One field, or false.
local function field(id, name)
  local value = redis.pcall('HGET', job_key(id), name)
  return type(value) == 'string' and value
end

-- Whether a job of this status has ended.
local function has_ended(status)
  return ${ENDED_STATUSES.map((name) => `status == '${name}'`).join(" or ")}
end

-- The number that a field holds, 0 for what is none.
local function whole(text)
  local number = tonumber(text or '')
  return number and number > 0 and number < 1e9 and math.floor(number) or 0
end

-- Lets all keys of a job expire after so many seconds; -1 for never.
local function keep(id, ttl)
  for _, key in ipairs({job_key(id), results_key(id), dependents_key(id), dependencies_key(id)}) do expire(key, ttl) end
end
`;
