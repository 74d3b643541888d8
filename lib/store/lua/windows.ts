/**
 * Windows of rate limits: how many jobs may start within a time. `rq:rl:KEY:x_starts` has an entry for each start of the
 * last window, scored with its time, and one scored with infinity for each job that is let through and has not started
 * yet. As long as these together are no more than the limit allows, no window has more starts, wherever it begins: a job
 * that starts only turns one into the other.
 *
 * The starts themselves are kept, and not only their number for each second or minute, of which two neighbours could be
 * used up at their common border. The price is some 160 bytes for each start while it is in the window. GCRA would take
 * one number, but lets either twice the limit through in the first window, or no two jobs at a time.
 *
 * Starts count, as with BullMQ, Oban and Sidekiq, and not, as for RQ's slots, that a job is queued: jobs that have piled up
 * in front of no worker at all would otherwise start together.
 *
 * @module
 */

import { MAX_SECONDS } from "../../base/duration.ts";

/** For how many seconds longer than its window a limit's starts are kept, and those who look at it. */
const SPARE_SECONDS = 3_600;

/** How many starts that have left the window are dropped with each new one. */
const DROPPED = 100;

/** How many jobs that are gone may be before the first one that waits. */
const GONE = 10;

/** See {@linkcode link}. */
export const WINDOWS_LUA: string = `
-- What a limit allows, from texts: "most" jobs queued or running at a time, and so many "starts" within "per" seconds, which
-- are now those after "since"; nil if there is no such window. If neither is known, "most" is 0.
local function rule_of(concurrency, starts, per)
  starts, per = whole(starts), tonumber(per or '') or 0
  if starts == 0 or not (per > 0 and per <= ${MAX_SECONDS}) then return {most = whole(concurrency)} end
  local most = whole(concurrency)
  return {most = most > 0 and most or 1e9, starts = starts, per = per, since = string.format('%.6f', clock - per)}
end

-- How many jobs of a limit may still be let through, and how many have started in the window.
local function starts_left(limit, rule)
  local recent = redis.call('ZCOUNT', starts_key(limit), '(' .. rule.since, now_float)
  return rule.starts - recent - redis.call('ZCOUNT', starts_key(limit), '+inf', '+inf'), recent
end

-- When the window of a limit opens, if it is closed and that is known: it is not while all that count have yet to start.
local function opening(limit, rule)
  local left, recent = starts_left(limit, rule)
  local ahead = 0 - left -- and not -left, which is "-0" for none
  if left > 0 or recent <= ahead then return nil end
  local first = redis.call('ZRANGEBYSCORE', starts_key(limit), '(' .. rule.since, now_float, 'WITHSCORES',
    'LIMIT', ahead, 1)
  return first[2] + rule.per
end

-- Has a worker of a queue look at a limit at a time, unless one will before that.
local function plan_look(limit, q, at) -- rare
  local planned = redis.pcall('ZSCORE', looks_key(q), limit)
  if planned and (planned.err or planned + 0 <= at) then return end
  redis.call('ZADD', looks_key(q), string.format('%.6f', at), limit)
  redis.call('EXPIRE', looks_key(q), math.ceil(math.max(at - clock, 0)) + ${SPARE_SECONDS})
  if redis.call('ZRANGE', looks_key(q), 0, 0)[1] == limit then tell_worker(q, at) end
end

-- The queue of the job that has waited longest for a slot, nil if none does. Some that are gone may be before it.
local function waiting_on(limit)
  for _, id in ipairs(redis.call('ZRANGE', rate_limited_key(limit), 0, ${GONE})) do
    local q = field(id, 'origin')
    if q then return q end
  end
end

-- Plans that for when the window of a limit opens, if jobs wait for that.
local function plan_opening(limit, rule) -- rare
  local q = waiting_on(limit)
  local at = q and opening(limit, rule)
  if at then plan_look(limit, q, at) end
end

-- Has a job that was let through, and may not start all the same, wait as one that has waited since it first came: it was put
-- on its queue without asking the limit, as by RQ's scheduler, or it starts anew, such as for a retry.
local function send_back(job, limit, rule)
  local since = redis.call('ZSCORE', allowed_key(limit), job.id)
  redis.call('ZREM', allowed_key(limit), job.id)
  set_limit(limit, job.rate_limit_concurrency, job.x_rate_starts, job.x_rate_per)
  redis.call('HSET', job_key(job.id), 'status', 'rate_limited')
  tell(job, 'rate_limited')
  redis.call('ZADD', rate_limited_key(limit), since or now_float, job.id)
  plan_opening(limit, rule)
end

-- Notes that a job starts.
local function note_start(id, limit, rule)
  local key = starts_key(limit)
  redis.call('ZREM', key, id)
  redis.call('ZADD', key, now_float, id .. ':' .. now_float)
  redis.call('EXPIRE', key, math.ceil(rule.per) + ${SPARE_SECONDS})
  local past = redis.call('ZCOUNT', key, '-inf', rule.since)
  if past > 0 then redis.call('ZREMRANGEBYRANK', key, 0, math.min(past, ${DROPPED}) - 1) end
  plan_opening(limit, rule)
end

-- Asks the window of a job that has been popped, if it has one. Returns why it does not start now: nil if it does, which is
-- noted; "prefetched" if it would begin later than it counts, and stays on its queue.
local function ask_window(job, prefetched) -- rare
  local limit = job.rate_limit_key
  if not limit or not limit_fits(limit) then return nil end
  local rule = limit_rule(limit)
  if rule.most == 0 then rule = rule_of(job.rate_limit_concurrency, job.x_rate_starts, job.x_rate_per) end
  if not rule.starts then return nil end
  if prefetched then return 'prefetched' end
  if redis.call('ZSCORE', starts_key(limit), job.id) or starts_left(limit, rule) > 0 then
    note_start(job.id, limit, rule)
  else
    send_back(job, limit, rule)
    return 'over its limit'
  end
end
`;
