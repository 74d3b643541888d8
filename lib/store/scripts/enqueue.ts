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
 *       { "unfit", "" } a key of the queue or of the job holds another type of value; nothing was written
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
local fields = {}
for i = 7 + parents, #ARGV do fields[#fields + 1] = ARGV[i] end

local function holds_only(kind, key)
  local actual = redis.call('TYPE', key).ok
  return actual == kind or actual == 'none'
end
local fit = holds_only('list', KEYS[1]) and holds_only('set', QUEUES)
if parents > 0 then
  fit = fit and holds_only('zset', registry_key('deferred', q)) and holds_only('set', dependencies_key(id))
  for i = 7, 6 + parents do fit = fit and holds_only('set', dependents_key(ARGV[i])) end
end
if not fit then return {'unfit', ''} end

if redis.call('EXISTS', KEYS[2]) == 1 then
  local old = redis.call('HMGET', KEYS[2], 'created_at', 'data', 'status', 'enqueued_at', 'origin')
  local same = true
  for i = 1, #fields, 2 do
    if fields[i] == 'created_at' and fields[i + 1] ~= old[1] then same = false end
    if fields[i] == 'data' and fields[i + 1] ~= old[2] then same = false end
  end
  if same then return {old[3] == 'deferred' and 'deferred' or 'queued', old[4] or ''} end
  local status = old[3]
  if status ~= 'finished' and status ~= 'failed' and status ~= 'stopped' and status ~= 'canceled' then
    return {'duplicate', status or ''}
  end
  forget(id, old[5] or q)
end

redis.call('HSET', KEYS[2], 'origin', q, unpack(fields))
local waits = false
local lenient = redis.call('HGET', KEYS[2], 'allow_dependency_failures') == '1'
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
if ttl > 0 then
  redis.call('EXPIRE', KEYS[2], ttl)
  if parents > 0 then redis.call('EXPIRE', dependencies_key(id), ttl) end
end
redis.call('SADD', QUEUES, KEYS[1])
if waits then
  redis.call('HSET', KEYS[2], 'status', 'deferred')
  redis.call('ZADD', registry_key('deferred', q), now, id)
  return {'deferred', ''}
end
local enqueued_at = iso()
redis.call('HSET', KEYS[2], 'status', 'queued', 'enqueued_at', enqueued_at)
redis.call(side == 'L' and 'LPUSH' or 'RPUSH', KEYS[1], id)
return {'queued', enqueued_at}
`,
  ),
);
