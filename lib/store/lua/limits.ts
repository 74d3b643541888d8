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
-- What limits allow, as this call has read it last, and the concurrency that RQ reads there.
local rules, shown_concurrency = {}, {}

-- What a limit allows, as rule_of() gives it.
local function limit_rule(limit)
  if rules[limit] then return rules[limit] end
  local h = redis.pcall('HMGET', limit_key(limit), 'concurrency', 'x_concurrency', 'x_starts', 'x_per')
  rules[limit] = h.err and rule_of() or rule_of(h[3] and h[2] or h[1], h[3], h[4])
  shown_concurrency[limit] = h[1]
  return rules[limit]
end

-- Stores what a limit allows from now on, in texts, if that is anything, and anything else than before.
local function set_limit(limit, concurrency, starts, per)
  local rule, old = rule_of(concurrency, starts, per), limit_rule(limit)
  local same = rule.most == old.most and rule.starts == old.starts and rule.per == old.per
  if rule.most == 0 or same and not (rule.starts and shown_concurrency[limit]) then return end
  rules[limit], shown_concurrency[limit] = rule, not rule.starts and concurrency
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

-- The limits of which this call knows that their keys can be used.
local fitting = {}

-- Whether no key of a limit holds another type of value.
local function limit_fits(limit)
  fitting[limit] = fitting[limit] or
    holds_only('zset', allowed_key(limit)) and holds_only('zset', rate_limited_key(limit)) and
    holds_only('zset', starts_key(limit)) and holds_only('hash', limit_key(limit)) and holds_only('set', LIMITS)
  return fitting[limit]
end

-- Whether a job can be put wherever admit() would put it; to be asked before anything is written.
local function can_admit(job, due)
  if due and due > clock then return can_enter(job, 'scheduled') end
  local limit = job.rate_limit_key
  return can_enter(job, 'queued') and (not limit or limit == '' or limit_fits(limit))
end

-- Readies a job that waits for being queued; "h" are fields of its hash, see queue_waiting().
local function let_through(id, limit, h)
  if h[5] then redis.call('HDEL', job_key(id), 'x_on_conflict') end
  if whole(h[4]) == 0 then return end
  local left = redis.call('TTL', job_key(id)) -- a new job has none yet
  plan_look(limit, h[1], clock + (left > 0 and left or whole(h[4])) + ${EXPIRED_SECONDS})
end

-- Gives slots to jobs that wait. Their slots show since when they have waited if there is a window, which may send them back.
local function give_slots(limit, rule, ids)
  local slots, starts = {}, {}
  for i, id in ipairs(ids) do
    slots[2 * i - 1], slots[2 * i] = rule.starts and redis.call('ZSCORE', rate_limited_key(limit), id) or now, id
    starts[2 * i - 1], starts[2 * i] = '+inf', id
  end
  redis.call('ZREM', rate_limited_key(limit), unpack(ids))
  redis.call('ZADD', allowed_key(limit), unpack(slots))
  if rule.starts then redis.call('ZADD', starts_key(limit), unpack(starts)) end
end

-- Queues those of some waiting jobs that still wait; returns how many, and how many are passed over since the key of their
-- queue holds another type of value. Those that no longer wait are dropped.
local function queue_waiting(limit, rule, ids)
  local queues, through, passed = {}, {}, 0
  for _, id in ipairs(ids) do
    local h = redis.pcall('HMGET', job_key(id), 'origin', 'status', 'enqueue_at_front', 'ttl', 'x_on_conflict')
    if not (h[1] and h[2] == 'rate_limited') then
      redis.call('ZREM', rate_limited_key(limit), id)
    elseif not can_push(h[1]) then
      passed = passed + 1
    else
      let_through(id, limit, h)
      through[#through + 1] = id
      local to = queues[#queues]
      if not to or to.q ~= h[1] or to.front ~= (h[3] == '1') then
        to = {q = h[1], front = h[3] == '1', ids = {}}
        queues[#queues + 1] = to
      end
      to.ids[#to.ids + 1] = id
    end
  end
  if #through > 0 then give_slots(limit, rule, through) end
  for _, to in ipairs(queues) do enter_queue(to.q, to.front, to.ids) end
  return #through, passed
end

-- Queues jobs that wait for a slot, the oldest first, while there are free slots; returns how many.
local function fill_slots(limit, rule)
  local waiting, passed, queued, looks = rate_limited_key(limit), 0, 0, ${FILL_BATCH}
  local free = rule.most - redis.call('ZCARD', allowed_key(limit))
  if free > 0 and rule.starts then free = math.min(free, (starts_left(limit, rule))) end
  while free > queued and looks > 0 do
    local ids = redis.call('ZRANGE', waiting, passed, passed + math.min(free - queued, looks) - 1)
    if #ids == 0 then return queued end
    looks = looks - #ids
    local more, unusable = queue_waiting(limit, rule, ids)
    queued, passed = queued + more, passed + unusable
  end
  local q = free > queued and waiting_on(limit)
  if q then plan_look(limit, q, clock + (passed > 0 and 1 or 0)) -- there are more than one call may queue
  elseif rule.starts then plan_opening(limit, rule) end
  return queued
end

-- Gives slots of a limit that have become free to the next jobs that wait. The jobs that had them may not have started.
local function pass_slots(limit, ids) -- rare
  if not limit_fits(limit) then return end
  local rule = limit_rule(limit)
  if rule.starts then redis.call('ZREM', starts_key(limit), unpack(ids)) end
  fill_slots(limit, rule)
end

-- Takes the slots of a limit that some jobs have, and gives them to the next jobs that wait.
local function free_slots(limit, ids)
  local freed = redis.pcall('ZREM', allowed_key(limit), unpack(ids))
  if type(freed) == 'number' and freed > 0 then pass_slots(limit, ids) end
end

-- The same of one job, if it has a slot.
local function free_slot(job)
  local limit = job.rate_limit_key
  if limit and limit ~= '' and not is_fair(limit) then free_slots(limit, {job.id}) end
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
  tell(job, 'rate_limited')
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
