/** Jobs that wait for others. @module */

/** See {@linkcode link}. */
export const DEPENDENTS_LUA: string = `
-- Queues a deferred job once every parent is done. A parent whose hash is gone counts as done, as in RQ; not if
-- "strict", since it may have failed.
local function promote(c, strict)
  if not is_job(c) then return false end
  local h = redis.call('HMGET', job_key(c), 'status', 'origin', 'allow_dependency_failures', 'enqueue_at_front')
  if h[1] ~= 'deferred' or not h[2] or not can_push(h[2]) then return false end
  local parents = redis.pcall('SMEMBERS', dependencies_key(c))
  if parents.err then return false end
  for _, parent in ipairs(parents) do
    local status = field(parent, 'status')
    if not status and strict then return false end
    if status and status ~= 'finished' and not (status == 'failed' and h[3] == '1') then return false end
  end
  redis.pcall('ZREM', registry_key('deferred', h[2]), c)
  push(c, h[2], h[4] == '1')
  return true
end

-- Does so for jobs that wait for one which has just ended, and gives the cursor to go on from, "0" at the end, and how
-- many it looked at; with a limit of 0 it only says whether there are any. A parent that has finished is taken off the
-- child's list: it may be gone when the next parent ends.
local function release(id, status, cursor, limit)
  local key = dependents_key(id)
  if limit < 1 then return redis.call('EXISTS', key) == 1 and 'begin' or '0', 0 end
  if status == 'finished' then
    local children = redis.pcall('SPOP', key, limit)
    if children.err then return '0', 0 end
    for _, c in ipairs(children) do
      redis.pcall('SREM', dependencies_key(c), id)
      promote(c)
    end
    return #children == limit and redis.call('EXISTS', key) == 1 and 'begin' or '0', #children
  end
  local page = redis.pcall('SSCAN', key, cursor == 'begin' and '0' or cursor, 'COUNT', limit)
  if page.err then return '0', 0 end
  local deleted = not field(id, 'status') -- which counts as done, for a child that does not allow failure too
  for _, c in ipairs(page[2]) do
    local may = not deleted or field(c, 'allow_dependency_failures') == '1'
    if may and promote(c) then redis.call('SREM', key, c) end
  end
  return page[1], #page[2]
end

-- Keeps a parent until the last of them is released, and notes what it was where the sweep finds it; it is kept for
-- "ttl" seconds after that.
local function hold(id, q, status, ttl)
  local held = redis.pcall('HSET', RELEASING, id, status .. ' ' .. ttl .. ' ' .. q)
  -- where the key holds another type of value, nobody would end the wait
  local kept = type(held) == 'table' and tonumber(ttl) or -1
  for _, key in ipairs({job_key(id), dependents_key(id)}) do expire(key, kept) end
end

-- Whether a job is kept so.
local function is_held(id)
  return redis.pcall('HEXISTS', RELEASING, id) == 1
end
`;
