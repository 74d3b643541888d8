/**
 * Slots of rate limits, in RQ's keys (`rq/rate_limit.py`). A job that has a slot is in the sorted set of those allowed from
 * when it is queued until it ends, or waits for its next try; one that waits for a slot has the status `rate_limited`.
 *
 * @module
 */

/** How many waiting jobs one call of a script looks at for each limit. */
const FILL_BATCH = 100;

/** See {@linkcode link}. */
export const LIMITS_LUA: string = `
-- The key of a job's rate limit, and how many of its jobs may be queued or running at a time; nil if it has none.
local function limit_of(job)
  local limit = job.rate_limit_key
  if not limit or limit == '' then return nil end
  local most = whole(field(job.id, 'rate_limit_concurrency'))
  if most > 0 then return limit, most end
end

-- How many jobs of a limit may be queued or running at a time; 0 if that is not known.
local function concurrency_of(limit)
  local value = redis.pcall('HGET', limit_key(limit), 'concurrency')
  return whole(type(value) == 'string' and value or nil)
end

-- Whether no key of a limit holds another type of value.
local function limit_fits(limit)
  return holds_only('zset', allowed_key(limit)) and holds_only('zset', rate_limited_key(limit)) and
    holds_only('hash', limit_key(limit)) and holds_only('set', LIMITS)
end

-- Whether a job can be put wherever admit() would put it; to be asked before anything is written.
local function can_admit(job, due)
  if due and due > clock then return can_enter(job, 'scheduled') end
  local limit = job.rate_limit_key
  return can_enter(job, 'queued') and (not limit or limit == '' or limit_fits(limit))
end

-- Queues jobs that wait for a slot, the oldest first, while there are free slots. A job that no longer waits is dropped; one
-- whose queue's key holds another type of value is passed over.
local function fill_slots(limit, most)
  local allowed, waiting = allowed_key(limit), rate_limited_key(limit)
  local free, passed, looks = most - redis.call('ZCARD', allowed), 0, ${FILL_BATCH}
  local function look_at(id)
    local h = redis.pcall('HMGET', job_key(id), 'origin', 'status', 'enqueue_at_front')
    local waits = h[1] and h[2] == 'rate_limited'
    if waits and not can_push(h[1]) then
      passed = passed + 1
      return
    end
    redis.call('ZREM', waiting, id)
    if not waits then return end
    redis.call('ZADD', allowed, now, id)
    free = free - 1
    enter({id = id, q = h[1]}, 'queued', h[3] == '1', 'enqueued_at', iso())
  end
  while free > 0 and looks > 0 do
    local ids = redis.call('ZRANGE', waiting, passed, passed + math.min(free, looks) - 1)
    if #ids == 0 then return end
    looks = looks - #ids
    for _, id in ipairs(ids) do look_at(id) end
  end
end

-- Takes a job's slot, if it has one, and gives it to the next job that waits.
local function free_slot(job)
  local limit = job.rate_limit_key
  if not limit or limit == '' or redis.pcall('ZREM', allowed_key(limit), job.id) ~= 1 then return end
  if limit_fits(limit) then fill_slots(limit, concurrency_of(limit)) end
end

-- How many jobs have begun to wait in this call.
local begun = 0

-- Has a job wait for a slot, which it may get at once; returns its status. The limit is from now on as this job has it.
-- Each job of one call waits a microsecond longer than the next one, so that they keep their order.
local function wait_for_slot(job, limit, most, front, ...)
  redis.call('SADD', LIMITS, limit)
  redis.call('HSET', limit_key(limit), 'concurrency', most)
  redis.call('HSET', job_key(job.id), 'status', 'rate_limited', 'enqueue_at_front', front and 1 or 0, ...)
  redis.call('ZADD', rate_limited_key(limit), string.format('%.6f', clock + begun / 1000000), job.id)
  begun = begun + 1
  fill_slots(limit, most)
  return field(job.id, 'status')
end
`;
