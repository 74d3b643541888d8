/** The jobs that wait for a job. @module */

import type { Hook } from "./hook.ts";

/** How many dependents one call of a script handles. */
const RELEASE_BATCH = 100;

/**
 * Queues the jobs that have waited for a job. If there are more than one call may handle, the job is held: it is kept
 * until RELEASE_DEPENDENTS has handled all.
 */
export const DEPENDENTS: Hook = {
  name: "dependents",
  reads: [],
  marks: ["x_dependents"],
  lua: `
-- Whether a job no longer has to wait for a parent. A parent whose hash is gone counts as done, as in RQ; not if
-- "strict", since it may have failed. "known" caches the statuses of parents.
local function is_done(parent, lenient, strict, known)
  local status = known and known[parent]
  if status == nil then status = field(parent, 'status') end
  if known then known[parent] = status end
  if not status then return not strict end
  return status == 'finished' or lenient and status == 'failed'
end

-- Queues or schedules a deferred job once every parent is done.
local function promote(c, strict, known)
  local h = redis.pcall('HMGET', job_key(c), 'data', 'status', 'origin', 'allow_dependency_failures', 'enqueue_at_front',
    'x_due', 'rate_limit_key')
  if not h[1] or h[2] ~= 'deferred' or not h[3] then return false end
  local job, due = {id = c, q = h[3], status = h[2], rate_limit_key = h[7]}, tonumber(h[6] or '')
  if not can_admit(job, due) then return false end
  local parents = redis.pcall('SMEMBERS', dependencies_key(c))
  if parents.err then return false end
  for _, parent in ipairs(parents) do
    if not is_done(parent, h[4] == '1', strict, known) then return false end
  end
  leave(job)
  admit(job, due, h[5] == '1')
  return true
end

-- Makes a job wait for a parent. The mark makes the parent's worker send its end to SETTLE, so that the child is queued
-- before that worker's next claim. RQ's producers do not write it; then FINISH leaves the parent to SETTLE.
local function wait_for(id, parent)
  redis.call('SADD', dependents_key(parent), id)
  local left = redis.call('TTL', job_key(parent))
  if left > 0 then redis.call('EXPIRE', dependents_key(parent), left) end
  redis.call('HSET', job_key(parent), 'x_dependents', 1)
end

-- Stores the parents of a job; returns whether it has to wait for any. A parent that is gone counts as done.
local function depend(id, parents, lenient)
  local waits = false
  for _, parent in ipairs(parents) do
    redis.call('SADD', dependencies_key(id), parent)
    if not is_done(parent, lenient) then
      wait_for(id, parent)
      waits = true
    end
  end
  return waits
end

-- How many dependents this call may still handle.
local budget = ${RELEASE_BATCH}

-- Queues the dependents of a job that may run now, and returns the cursor to go on from, "0" at the end.
-- A finished parent is removed from the child's list, since its hash may be gone when the next parent ends.
local function release(id, status, cursor)
  local key = dependents_key(id)
  if budget < 1 then return redis.call('EXISTS', key) == 1 and 'begin' or '0' end
  if status == 'finished' then
    local children = redis.pcall('SPOP', key, budget)
    if children.err then return '0' end
    for _, c in ipairs(children) do
      redis.pcall('SREM', dependencies_key(c), id)
      promote(c)
    end
    budget = budget - #children
    return budget < 1 and redis.call('EXISTS', key) == 1 and 'begin' or '0'
  end
  local page = redis.pcall('SSCAN', key, cursor == 'begin' and '0' or cursor, 'COUNT', budget)
  if page.err then return '0' end
  local deleted = not field(id, 'status') -- would count as done, even for a child that does not allow failure
  for _, c in ipairs(page[2]) do
    local may = not deleted or field(c, 'allow_dependency_failures') == '1'
    if may and promote(c) then redis.call('SREM', key, c) end
  end
  budget = budget - #page[2]
  return page[1]
end

-- Keeps a job until all its dependents are released, and stores its status for the sweep. Its time to live, job.ttl,
-- begins after that.
local function hold(job, status)
  local held = redis.pcall('HSET', RELEASING, job.id, status .. ' ' .. job.ttl .. ' ' .. job.q)
  -- if the key holds another type of value, nobody would release the parent later
  local kept = type(held) == 'table' and job.ttl or -1
  for _, key in ipairs({job_key(job.id), dependents_key(job.id)}) do expire(key, kept) end
end

-- Wakes clients that wait for a dependent, which may now wait in vain. Returns whether there are dependents.
local function wake_dependents(id)
  local children = redis.pcall('SRANDMEMBER', dependents_key(id), 100) -- those who wait for others find out by polling
  for _, c in ipairs(children) do
    if field(c, 'x_waited') then wake(c, '') end
  end
  return #children > 0
end

-- A job that is removed no longer waits for others. Its own dependents are kept while they are being released.
local function dependents_deleted(job)
  if wake_dependents(job.id) then job.held = redis.pcall('HEXISTS', RELEASING, job.id) == 1 end
  for _, parent in ipairs(redis.pcall('SMEMBERS', dependencies_key(job.id))) do
    redis.pcall('SREM', dependents_key(parent), job.id)
  end
end

-- Dependents of a job that was stopped or canceled stay deferred, as in RQ.
local function dependents_ended(job, status)
  if status == 'deleted' then return dependents_deleted(job) end
  if status == 'finished' or status == 'failed' then
    job.cursor = release(job.id, status, 'begin')
    job.held = job.cursor ~= '0'
    if job.held then hold(job, status) end
  end
  if status ~= 'finished' then wake_dependents(job.id) end
end
`,
};
