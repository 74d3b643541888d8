/**
 * Slots of rate limits, in RQ's keys (`rq/rate_limit.py`). A job that has a slot is in the sorted set of those allowed from
 * when it is queued until it ends, or waits for its next try; one that waits for a slot has the status `rate_limited`.
 *
 * RQ knows no windows (`windows.ts`): it would queue what waits for one as soon as a slot is free. So the hash of a limit
 * that has one does not have the field `concurrency`, without which RQ frees slots and fills none.
 *
 * @module
 */

/** How many waiting jobs one call of a script looks at for each limit. */
const FILL_BATCH = 100;

/** How many seconds after a job has expired its limit is looked at: Redis' times to live are in whole seconds. */
const EXPIRED_SECONDS = 1;

/** See {@linkcode link}. */
export const LIMITS_LUA: string = `
-- What a limit allows, as rule_of() gives it, and the concurrency that RQ reads there.
local function limit_rule(limit)
  local h = redis.pcall('HMGET', limit_key(limit), 'concurrency', 'x_concurrency', 'x_starts', 'x_per')
  if h.err then return rule_of() end
  return rule_of(h[3] and h[2] or h[1], h[3], h[4]), h[1]
end

-- Stores what a limit allows from now on, in texts, if that is anything, and anything else than before.
local function set_limit(limit, concurrency, starts, per)
  local rule, old, shown = rule_of(concurrency, starts, per), limit_rule(limit)
  local same = rule.most == old.most and rule.starts == old.starts and rule.per == old.per
  if rule.most == 0 or same and not (rule.starts and shown) then return end
  redis.call('SADD', LIMITS, limit)
  if rule.starts then
    redis.call('HDEL', limit_key(limit), 'concurrency')
    redis.call('HSET', limit_key(limit), 'x_concurrency', concurrency or '', 'x_starts', starts, 'x_per', per)
  else
    redis.call('HDEL', limit_key(limit), 'x_concurrency', 'x_starts', 'x_per')
    redis.call('HSET', limit_key(limit), 'concurrency', concurrency)
  end
end

-- The key of a job's rate limit, what that allows, and what the job does about others; nil if it has none, or only that of
-- its fair key. The job's own rule counts where its limit's has been deleted, since it had no jobs.
local function limit_of(job)
  local limit = job.rate_limit_key
  if not limit or limit == '' or is_fair(limit) then return nil end
  local h = redis.pcall('HMGET', job_key(job.id), 'rate_limit_concurrency', 'x_rate_starts', 'x_rate_per',
    'x_on_conflict')
  local own, rule = rule_of(h[1], h[2], h[3]), limit_rule(limit)
  if own.most == 0 then return nil end
  if rule.most > 0 then return limit, rule, h[4] end
  set_limit(limit, h[1], h[2], h[3])
  return limit, own, h[4]
end

-- Whether no key of a limit holds another type of value.
local function limit_fits(limit)
  return holds_only('zset', allowed_key(limit)) and holds_only('zset', rate_limited_key(limit)) and
    holds_only('zset', starts_key(limit)) and holds_only('hash', limit_key(limit)) and holds_only('set', LIMITS)
end

-- Whether a job can be put wherever admit() would put it; to be asked before anything is written.
local function can_admit(job, due)
  if due and due > clock then return can_enter(job, 'scheduled') end
  local limit = job.rate_limit_key
  return can_enter(job, 'queued') and (not limit or limit == '' or limit_fits(limit))
end

-- Gives a job that waits a slot and queues it; "h" are fields of its hash, see fill_slots(). Its slot shows since when it has
-- waited if there is a window, which may send it back.
local function let_through(id, limit, rule, h)
  local since = rule.starts and redis.call('ZSCORE', rate_limited_key(limit), id) or now
  redis.call('ZREM', rate_limited_key(limit), id)
  redis.call('ZADD', allowed_key(limit), since, id)
  if rule.starts then redis.call('ZADD', starts_key(limit), '+inf', id) end
  enter({id = id, q = h[1]}, 'queued', h[3] == '1', 'enqueued_at', iso())
  if h[5] then redis.call('HDEL', job_key(id), 'x_on_conflict') end
  if whole(h[4]) == 0 then return end
  local left = redis.call('TTL', job_key(id)) -- a new job has none yet
  plan_look(limit, h[1], clock + (left > 0 and left or whole(h[4])) + ${EXPIRED_SECONDS})
end

-- Queues jobs that wait for a slot, the oldest first, while there are free slots; returns how many. A job that no longer
-- waits is dropped; one whose queue's key holds another type of value is passed over.
local function fill_slots(limit, rule)
  local waiting, passed, queued, looks = rate_limited_key(limit), 0, 0, ${FILL_BATCH}
  local free = rule.most - redis.call('ZCARD', allowed_key(limit))
  if free > 0 and rule.starts then free = math.min(free, (starts_left(limit, rule))) end
  local function look_at(id)
    local h = redis.pcall('HMGET', job_key(id), 'origin', 'status', 'enqueue_at_front', 'ttl', 'x_on_conflict')
    if not (h[1] and h[2] == 'rate_limited') then return redis.call('ZREM', waiting, id) end
    if not can_push(h[1]) then
      passed = passed + 1
    else
      let_through(id, limit, rule, h)
      queued = queued + 1
    end
  end
  while free > queued and looks > 0 do
    local ids = redis.call('ZRANGE', waiting, passed, passed + math.min(free - queued, looks) - 1)
    if #ids == 0 then return queued end
    looks = looks - #ids
    for _, id in ipairs(ids) do look_at(id) end
  end
  local q = free > queued and waiting_on(limit)
  if q then plan_look(limit, q, clock + (passed > 0 and 1 or 0)) -- there are more than one call may queue
  elseif rule.starts then plan_opening(limit, rule) end
  return queued
end

-- Gives a slot of a job's limit that has become free to the next job that waits. The job may not have started.
local function pass_slot(job, limit) -- rare
  if not limit_fits(limit) then return end
  local rule = limit_rule(limit)
  if rule.starts then redis.call('ZREM', starts_key(limit), job.id) end
  fill_slots(limit, rule)
end

-- Takes a job's slot, if it has one, and gives it to the next job that waits.
local function free_slot(job)
  local limit = job.rate_limit_key
  if not limit or limit == '' or is_fair(limit) or redis.pcall('ZREM', allowed_key(limit), job.id) ~= 1 then return end
  pass_slot(job, limit)
end

-- How many jobs have begun to wait in this call.
local begun = 0

-- Has a job wait for a slot, which it may get at once; returns its status, or nil if it has no limit, or a slot already. If it
-- waits, a worker looks at once what it does about others ("how"). Each job of one call waits a microsecond longer than the
-- next one, so that they keep their order.
local function wait_for_slot(job, front, ...) -- rare
  local limit, rule, how = limit_of(job)
  if not limit or redis.call('ZSCORE', allowed_key(limit), job.id) then return nil end
  redis.call('HSET', job_key(job.id), 'status', 'rate_limited', ...)
  if front then redis.call('HSET', job_key(job.id), 'enqueue_at_front', 1) end
  redis.call('ZADD', rate_limited_key(limit), string.format('%.6f', clock + begun / 1000000), job.id)
  begun = begun + 1
  fill_slots(limit, rule)
  local status = field(job.id, 'status')
  if how and status == 'rate_limited' then plan_look(limit, job.q, clock) end
  return status
end

-- Whether a job that has a slot needs it: one that is queued or running. As in RQ, one that was canceled or deleted while it
-- ran keeps its slot until its execution is over.
local function needs_slot(id, limit)
  local h = redis.pcall('HMGET', job_key(id), 'status', 'rate_limit_key')
  if (h[1] == 'queued' or h[1] == 'started') and h[2] == limit then return true end
  local running = redis.pcall('ZCOUNT', executions_key(id), '(' .. now, '+inf')
  return type(running) == 'number' and running > 0
end

-- Takes slots from jobs that do not need them, among so many from the "from"th on; returns how many of these stay, and how
-- many have left. What a worker of RQ's has started counts as started now: it notes no starts.
local function clean_slots(limit, from, count)
  local ids, left = redis.call('ZRANGE', allowed_key(limit), from, from + count - 1), 0
  for _, id in ipairs(ids) do
    if not needs_slot(id, limit) then left = left + redis.call('ZREM', allowed_key(limit), id) end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', starts_key(limit), '+inf', '+inf', 'LIMIT', from, count)) do
    local h = redis.pcall('HMGET', job_key(id), 'status', 'rate_limit_key', 'started_at')
    if h[1] ~= 'queued' or h[2] ~= limit then
      redis.call('ZREM', starts_key(limit), id)
      if h[3] and h[3] ~= '' then redis.call('ZADD', starts_key(limit), now_float, id .. ':') end
    end
  end
  return #ids - left, left
end
`;
