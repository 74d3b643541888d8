/** The script that takes a new job in. @module */

import { Script } from "../../redis/script.ts";
import {
  DEPENDENTS_LUA,
  ENDING_LUA,
  JOB_LUA,
  LEASE_LUA,
  TIME_LUA,
  withPrelude,
} from "./prelude.ts";

/**
 * Stores a job and puts it on its queue, or among the deferred ones while a parent has not finished.
 *
 * ```
 * KEYS  1 the queue's list
 *       2 the job's hash
 * ARGV  1 key prefix   2 job id   3 queue name   4 "L" for the head, "R" for the tail
 *       5 ttl in seconds, 0 for none   6 number n of parents   7 … 6+n their ids
 *       then the fields and values of the hash, created_at and data among them
 * reply { "queued" | "deferred", enqueued_at }   { "duplicate", status }
 *       { "unfit", why } Redis refuses, mostly since a key of the queue or of the job holds another type of
 *       value; nothing was written
 * ```
 *
 * An id that is taken by a job that has not ended is refused; one that has ended makes room.
 * A hash with the very same \`created_at\` (to the microsecond) and \`data\` is this same call's
 * own work, done by a first sending whose reply was lost.
 */
export const ENQUEUE: Script = new Script(
  "enqueue",
  withPrelude(
    [TIME_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local id, q, side, ttl, parents = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local first = 7 + parents

local function argument(name)
  for i = first, #ARGV, 2 do
    if ARGV[i] == name then return ARGV[i + 1] end
  end
end
local function holds_only(kind, key)
  local actual = redis.call('TYPE', key).ok
  return actual == kind or actual == 'none'
end

local ended_on
if redis.call('EXISTS', KEYS[2]) == 1 then
  local old = redis.call('HMGET', KEYS[2], 'created_at', 'data', 'status', 'enqueued_at', 'origin')
  if old[1] == argument('created_at') and old[2] == argument('data') then
    return {old[3] == 'deferred' and 'deferred' or 'queued', old[4] or ''}
  end
  local status = old[3]
  if status ~= 'finished' and status ~= 'failed' and status ~= 'stopped' and status ~= 'canceled' then
    return {'duplicate', status or ''}
  end
  if not can_push(q) then return {'unfit', ''} end
  ended_on = old[5] or q
end

if parents > 0 then
  local fit = can_push(q) and holds_only('zset', registry_key('deferred', q))
  fit = fit and (ended_on or holds_only('set', dependencies_key(id)))
  for i = 7, 6 + parents do fit = fit and holds_only('set', dependents_key(ARGV[i])) end
  if not fit then return {'unfit', ''} end
end
if ended_on then forget(id, ended_on) end

local waits = false
local lenient = parents > 0 and argument('allow_dependency_failures') == '1'
for i = 7, 6 + parents do
  local parent = ARGV[i]
  redis.call('SADD', dependencies_key(id), parent)
  local status = field(parent, 'status')
  if status and status ~= 'finished' and not (status == 'failed' and lenient) then
    redis.call('SADD', dependents_key(parent), id)
    local left = redis.call('TTL', job_key(parent))
    if left > 0 then redis.call('EXPIRE', dependents_key(parent), left) end
    waits = true
  end
end

local enqueued_at = ''
if waits then
  redis.call('SADD', QUEUES, KEYS[1])
  redis.call('HSET', KEYS[2], 'origin', q, 'status', 'deferred', unpack(ARGV, first))
  redis.call('ZADD', registry_key('deferred', q), now, id)
else
  -- What may be refused comes first: a queue's key of another type leaves nothing behind.
  local added = redis.pcall(side == 'L' and 'LPUSH' or 'RPUSH', KEYS[1], id)
  if type(added) == 'table' then return {'unfit', added.err} end
  added = redis.pcall('SADD', QUEUES, KEYS[1])
  if type(added) == 'table' then
    redis.call('LREM', KEYS[1], side == 'L' and 1 or -1, id)
    return {'unfit', added.err}
  end
  enqueued_at = iso()
  redis.call('HSET', KEYS[2], 'origin', q, 'status', 'queued', 'enqueued_at', enqueued_at, unpack(ARGV, first))
end
if ttl > 0 then
  redis.call('EXPIRE', KEYS[2], ttl)
  if parents > 0 then redis.call('EXPIRE', dependencies_key(id), ttl) end
end
return {waits and 'deferred' or 'queued', enqueued_at}
`,
  ),
);
