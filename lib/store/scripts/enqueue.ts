/** The script that takes new jobs in. @module */

import { Script } from "../../redis/script.ts";
import { link, piecesWithout } from "../lua/link.ts";

/** What CAREFUL_LUA finds outside. */
const OUTER = ["P", "QUEUES", "job_key", "time", "now", "iso"];

/**
 * How a job is taken in that has parents or whose id is taken. Few are so, and making
 * the functions of the prelude takes as long as all else, hence only where there is one, and once for all.
 */
const CAREFUL_LUA = `
local function holds_only(kind, key)
  local actual = redis.call('TYPE', key).ok
  return actual == kind or actual == 'none'
end

local function wait_for_parents(job, id, parents, lenient)
  local waits = false
  for i = 4, 3 + parents do
    local parent = job[i]
    redis.call('SADD', dependencies_key(id), parent)
    local status = field(parent, 'status')
    if status and status ~= 'finished' and not (status == 'failed' and lenient) then
      redis.call('SADD', dependents_key(parent), id)
      local left = redis.call('TTL', job_key(parent))
      if left > 0 then redis.call('EXPIRE', dependents_key(parent), left) end
      waits = true
    end
  end
  return waits
end

return function(job)
  local id, parents, first = job[1], tonumber(job[3]), 4 + tonumber(job[3])
  local given = {}
  for i = first, #job, 2 do given[job[i]] = job[i + 1] end

  local ended_on
  local kind = redis.call('TYPE', job_key(id)).ok
  if kind == 'hash' then
    local old = redis.call('HMGET', job_key(id), 'created_at', 'data', 'status', 'enqueued_at', 'origin')
    if old[1] == given.created_at and old[2] == given.data then
      return old[3] == 'deferred' and 'deferred' or 'queued', old[4] or ''
    end
    local status = old[3]
    if status ~= 'finished' and status ~= 'failed' and status ~= 'stopped' and status ~= 'canceled' then
      return 'duplicate', status or ''
    end
    if not can_push(q) then return 'unfit', '' end
    ended_on = old[5] or q
  elseif kind ~= 'none' then
    return 'unfit', ''
  end

  if parents > 0 then
    local fit = can_push(q) and holds_only('zset', registry_key('deferred', q))
    fit = fit and (ended_on or holds_only('set', dependencies_key(id)))
    for i = 4, 3 + parents do fit = fit and holds_only('set', dependents_key(job[i])) end
    if not fit then return 'unfit', '' end
  end
  if ended_on then forget(id, ended_on, is_held(id)) end

  local what, detail = 'deferred', ''
  if wait_for_parents(job, id, parents, given.allow_dependency_failures == '1') then
    redis.call('SADD', QUEUES, KEYS[1])
    redis.call('HSET', job_key(id), 'origin', q, 'status', 'deferred', unpack(job, first))
    redis.call('ZADD', registry_key('deferred', q), now, id)
    if tonumber(job[2]) > 0 then redis.call('EXPIRE', job_key(id), job[2]) end
  else
    what, detail = put({job}, {id}, {job_key(id)})
  end
  if parents > 0 and tonumber(job[2]) > 0 then redis.call('EXPIRE', dependencies_key(id), job[2]) end
  return what, detail
end
`;

/**
 * Stores jobs and puts them on their queue in the order given, or among the deferred ones
 * while a parent has not finished. Each is taken in or not as if it came alone.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix
 *       2 MessagePack: queue name, "L" for the head or "R" for the tail, some second since 1970, the
 *       same as a date up to its dot, and a list of jobs
 * reply enqueued_at, where that is one and the same for all and all are queued
 *       else for each job, one after the other: "queued" | "deferred", enqueued_at
 *       or "duplicate", status
 *       or "unfit", why: Redis refuses, mostly since a key of the queue or of the job holds another type of
 *       value; nothing was written of it
 * ```
 *
 * A job is a list of texts: its id, its ttl in seconds or 0 for none, the number of its parents, their
 * ids, then the fields and values of the hash, created_at and data among them.
 *
 * An id that is taken by a job that has not ended is refused; one that has ended makes room.
 * A hash with the very same \`created_at\` (to the microsecond) and \`data\` is this same call's
 * own work, done by a first sending whose reply was lost.
 */
export const ENQUEUE: Script = new Script(
  "enqueue",
  link(`
local q, side, second, date, jobs = cmsgpack.unpack(ARGV[2])
-- The client has mostly written the date of this very second already.
local at = time[1] == second and date .. string.sub(1000000 + time[2], 2) .. 'Z' or iso()

-- Puts jobs on the queue whose ids are free. What may be refused comes first: a queue's key of another
-- type leaves nothing behind.
local function put(list, ids, keys)
  local added = redis.pcall(side == 'L' and 'LPUSH' or 'RPUSH', KEYS[1], unpack(ids))
  if type(added) == 'table' then return 'unfit', added.err end
  added = redis.pcall('SADD', QUEUES, KEYS[1])
  if type(added) == 'table' then
    for _, id in ipairs(ids) do redis.call('LREM', KEYS[1], side == 'L' and 1 or -1, id) end
    return 'unfit', added.err
  end
  for i, key in ipairs(keys) do
    local job = list[i]
    redis.call('HSET', key, 'origin', q, 'status', 'queued', 'enqueued_at', at, unpack(job, 4 + job[3]))
    if job[2] ~= '0' then redis.call('EXPIRE', key, job[2]) end
  end
  return 'queued', at
end

-- Mostly no job has a parent, and no id is taken or comes twice: then they are put on the queue together.
local ids, keys, seen = {}, {}, {}
for i, job in ipairs(jobs) do
  local id = job[1]
  if job[3] ~= '0' or seen[id] then
    keys = nil
    break
  end
  ids[i], keys[i], seen[id] = id, job_key(id), true
end
local what, detail
if keys and redis.call('EXISTS', unpack(keys)) == 0 then
  what, detail = put(jobs, ids, keys)
  if what == 'queued' then return redis.status_reply(detail) end
end

local function make_careful()
RARE()
end

local careful = make_careful()
local replies, same = {}, true
for _, job in ipairs(jobs) do
  local state, about = what, detail
  if not state then
    local fine
    -- An error here, over a spoiled key of the job that had this id, is no other job's.
    fine, state, about = pcall(careful, job)
    if not fine then state, about = 'unfit', type(state) == 'table' and state.err or tostring(state) end
  end
  replies[#replies + 1] = state
  replies[#replies + 1] = about
  same = same and state == 'queued' and about == replies[2]
end
return same and redis.status_reply(replies[2]) or replies
`).replace("RARE()", () => link(CAREFUL_LUA, piecesWithout(OUTER))),
);
