/** The server's time, and times to live. @module */

import { MAX_SECONDS } from "../../base/duration.ts";

/** See {@linkcode link}. */
export const TIME_LUA: string = `
-- The server's time as texts: seconds since 1970, microseconds.
local time = redis.call('TIME')

-- Seconds since 1970.
local now = tonumber(time[1])

-- Seconds since 1970 with six digits behind the dot, as RQ writes them into executions.
local now_float = time[1] .. '.' .. string.format('%06d', tonumber(time[2]))

-- The same as a number: to write one as text takes long, and few need it.
local clock = now + time[2] / 1000000

-- What iso() gives from its second call on.
local written_date = nil

-- Now, as RQ writes dates. Redis' Lua has no os.date, so this computes the calendar (Howard Hinnant's civil_from_days).
local function iso()
  if written_date then return written_date end
  local days, rest = math.floor(now / 86400), now % 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  written_date = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, tonumber(time[2]))
  return written_date
end

-- When something is due, in seconds since 1970: that number as text, or "+" and seconds from now; nil if it is now.
local function due_of(text)
  local delay = string.match(text, '^%+(.*)')
  local due = tonumber(delay or text) + (delay and clock or 0)
  return due > clock and due or nil
end

-- A time to live in a job's hash, in whole seconds, at most a century; -1 (for ever) for anything below 0.
local function seconds(text, default)
  local number = string.find(text or '', '^[+-]?%d+$') and tonumber(text)
  if not number then return default end
  return number < 0 and -1 or math.min(number, ${MAX_SECONDS})
end

-- Sets the expiry of a key, in seconds (a number or its text); -1 for never.
local function expire(key, ttl)
  if ttl == -1 or ttl == '-1' then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ttl) end
end
`;
