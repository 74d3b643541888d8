/** Starting jobs: the checks and the writes. @module */

/** See {@linkcode link}. */
export const STARTING_LUA: string = `
-- A job that was popped off a queue: its id, the queue "q", "hash" as returned by HGETALL, and the fields by name. Some
-- are named here so that the table has room for all of them at once.
local function popped_job(id, q)
  local hash = redis.pcall('HGETALL', job_key(id))
  local job = {data = nil, status = nil, origin = nil, enqueued_at = nil, created_at = nil, timeout = nil, id = id, q = q,
    hash = hash}
  for i = 1, #hash, 2 do job[hash[i]] = hash[i + 1] end
  job.id, job.q, job.hash = id, q, hash -- again: the hash may have fields with these names
  return job
end

-- Puts back at the head of its queue what BLMOVE has popped.
local function unpop(q, id)
  if redis.call('LREM', intermediate_key(q), 1, id) == 0 then return end
  local refused = type(redis.pcall('LPUSH', queue_key(q), id)) == 'table'
  if refused then redis.call('LPUSH', intermediate_key(q), id) end
end

-- Why a job must not be started, or nil. A further check is a piece of its own and a line here; a check that keeps the
-- job for later, as a rate limit does, puts it into its place.
local function why_not_start(job)
  local hash, status = job.hash, job.status
  if hash.err then return 'its key holds a ' .. redis.call('TYPE', job_key(job.id)).ok end
  if not job.data then return #hash == 0 and 'gone' or 'it has no data' end
  if status == 'canceled' or status == 'stopped' or status == 'rate_limited' then return status end
  if status == 'started' and live_execution(job.id, job.q, job.x_execution) then return 'running' end
end

-- Marks a job as started, and gives on the turn of its fair key; the caller writes its lease, together with others. The
-- first start, usually the only one, is not counted in the hash.
local function mark_started(job, e, worker)
  local key, hash = job_key(job.id), job.hash
  redis.call('HSET', key, 'status', 'started', 'started_at', iso(), 'worker_name', worker, 'x_execution', e)
  if job.ended_at then redis.call('HDEL', key, 'ended_at') end
  if not job.origin then redis.call('HSET', key, 'origin', job.q) end
  if job.ttl or job.started_at or job.ended_at then redis.call('PERSIST', key) end -- other jobs have no expiry
  if job.x_fair_key then free_turn(job) end
  local been = job.x_execution or job.started_at and job.started_at ~= ''
  if not been and not job.x_attempts then return end
  local attempts = math.max(whole(job.x_attempts), been and 1 or 0) + 1
  redis.call('HSET', key, 'x_attempts', attempts)
  hash[#hash + 1] = 'x_attempts'
  hash[#hash + 1] = tostring(attempts)
end

-- Pops ids off a queue; none, and the reason, if the queue or its registry of leases cannot be used.
local function pop(q, list, count)
  local ids = redis.pcall('LPOP', list, count)
  if not ids then return {} end
  if ids.err then return {}, 'the key of the queue holds a ' .. redis.call('TYPE', list).ok end
  local kind = redis.call('TYPE', registry_key('wip', q)).ok
  if kind == 'zset' or kind == 'none' then return ids end
  for i = #ids, 1, -1 do redis.call('LPUSH', list, ids[i]) end
  return {}, 'the key of its started registry holds a ' .. kind
end
`;
