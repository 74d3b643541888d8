/** The jobs that wait for a job. @module */

import type { Hook } from "./hook.ts";

/**
 * Has the jobs that wait for a job go on or end, as their edges say (`lua/edges.ts`). If there are more than one call may
 * handle, the job is held: it is kept until RELEASE_DEPENDENTS has handled all.
 */
export const DEPENDENTS: Hook = {
  name: "dependents",
  reads: [],
  marks: ["x_dependents"],
  lua: `
-- Has a deferred job go on, or end, once its parents decide so; returns whether it waits no longer. See judge().
local function promote(c, at, how, strict, known)
  local h = redis.pcall('HMGET', job_key(c), 'data', 'status', 'origin', 'allow_dependency_failures', 'enqueue_at_front',
    'x_due', 'rate_limit_key', 'x_if_parent_fails')
  if not h[1] or h[2] ~= 'deferred' or not h[3] then return false end
  local verdict, parent, status = judge(c, edges_of(h[4], h[8]), at, how, strict, known)
  if verdict == 'stay' then return false end
  if verdict ~= 'go' then
    if budget < 1 then return false end
    doom(c, verdict, parent, status)
    return true
  end
  local job, due = {id = c, q = h[3], status = h[2], rate_limit_key = h[7]}, tonumber(h[6] or '')
  if not can_admit(job, due) then return false end
  leave(job)
  admit(job, due, h[5] == '1')
  return true
end

-- Makes a job wait for a parent. The mark makes the parent's worker send its end to SETTLE, so that the child is queued
-- before that worker's next claim. RQ's producers do not write it; then FINISH leaves the parent to SETTLE.
local function wait_for(id, parent)
  redis.call('SADD', dependencies_key(id), parent)
  redis.call('SADD', dependents_key(parent), id)
  local left = redis.call('TTL', job_key(parent))
  if left > 0 then redis.call('EXPIRE', dependents_key(parent), left) end
  redis.call('HSET', job_key(parent), 'x_dependents', 1)
end

-- What becomes of a new job because of its parents, as judge() says it. It waits for those that have not ended.
local function depend(id, parents, given) -- rare
  local edges = edges_of(given.allow_dependency_failures, given.x_if_parent_fails)
  local verdicts, result = {}, 'go'
  for i, parent in ipairs(parents) do
    local status = field(parent, 'status')
    local verdict = weigh(edges, parent, status)
    if verdict == 'fail' or verdict == 'cancel' then return verdict, parent, status or 'deleted' end
    if verdict == 'stay' then result = 'stay' end
    verdicts[i] = verdict
  end
  for i, parent in ipairs(parents) do
    if verdicts[i] == 'stay' then wait_for(id, parent) end
  end
  return result
end

-- Handles dependents of a job that is done, or that no longer counts; or has them deleted with it. Each is taken off its
-- list, and the job off theirs, since its hash may be gone when their next parent ends.
local function release_all(id, how)
  local key = dependents_key(id)
  local children = redis.pcall('SPOP', key, how == 'delete' and math.ceil(budget / 3) or budget)
  if children.err then return '0' end
  for _, c in ipairs(children) do
    if how == 'delete' then
      doom(c, how, id)
    else
      redis.pcall('SREM', dependencies_key(c), id)
      promote(c, id, how)
    end
  end
  if how ~= 'delete' then budget = budget - #children end
  return redis.call('EXISTS', key) == 1 and 'begin' or '0'
end

-- Handles the dependents of a job that has ended as "how": "finished", "failed", "stopped", "canceled", "deleted"; or
-- whose end asks to "enqueue" or "delete" them. Returns the cursor to go on from, "0" at the end.
local function release(id, how, cursor)
  local key = dependents_key(id)
  if budget < 1 then return redis.call('EXISTS', key) == 1 and 'begin' or '0' end
  if how == 'finished' or how == 'enqueue' or how == 'delete' then return release_all(id, how) end
  local page = redis.pcall('SSCAN', key, cursor == 'begin' and '0' or cursor, 'COUNT', budget)
  if page.err then return '0' end
  local stay = 0
  for _, c in ipairs(page[2]) do
    if budget < 1 then return cursor end -- the same page again: those that are done have left it
    if promote(c, id, how) then
      redis.call('SREM', key, c)
      budget = budget - 1
    else
      stay = stay + 1
    end
  end
  budget = budget - stay
  return page[1]
end

-- Keeps a job until all its dependents are released, and stores for the sweep how it has ended. Its time to live, job.ttl,
-- begins after that.
local function hold(job, how)
  local ttl = job.ttl or 0
  local held = redis.pcall('HSET', RELEASING, job.id, how .. ' ' .. ttl .. ' ' .. job.q)
  -- if the key holds another type of value, nobody would release the parent later
  local kept = type(held) == 'table' and ttl or -1
  for _, key in ipairs({job_key(job.id), dependents_key(job.id)}) do expire(key, kept) end
end

-- Wakes clients that wait for a dependent, which may now wait in vain.
local function wake_dependents(id)
  local children = redis.pcall('SRANDMEMBER', dependents_key(id), 100) -- those who wait for others find out by polling
  for _, c in ipairs(children) do
    if field(c, 'x_waited') then wake(c, '') end
  end
end

-- Takes a job off the lists of those that it waits for.
local function forget_parents(id)
  for _, parent in ipairs(redis.pcall('SMEMBERS', dependencies_key(id))) do
    redis.pcall('SREM', dependents_key(parent), id)
  end
end

-- Releases the dependents of a job, as many as one call may. Where they are being released already, it has ended before it
-- was canceled or deleted: that still counts.
local function release_or_hold(job, status) -- rare
  local how, is_late = job.dependents or status, (status == 'deleted' or status == 'canceled') and not job.dependents
  job.held = is_late and redis.pcall('HEXISTS', RELEASING, job.id) == 1
  if not job.held then
    job.cursor = release(job.id, how, 'begin')
    job.held = job.cursor ~= '0'
    if job.held then hold(job, how) end
  end
  if status ~= 'finished' then wake_dependents(job.id) end
end

local function dependents_ended(job, status)
  if status == 'deleted' then forget_parents(job.id) end
  job.held, job.cursor = false, '0'
  if redis.call('EXISTS', dependents_key(job.id)) == 1 then release_or_hold(job, status) end
end
`,
};
