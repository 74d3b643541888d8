/** The scripts behind `job.cancel()`, `job.delete()`, `job.requeue()` and `queue.empty()`. @module */

import { Script } from "../../redis/script.ts";
import { someKeysLua } from "../keys.ts";
import {
  DEPENDENTS_LUA,
  ENDING_LUA,
  JOB_LUA,
  LEASE_LUA,
  TIME_LUA,
  TTL_LUA,
  withPrelude,
} from "./prelude.ts";

/**
 * Withdraws a job, wherever it is. The worker that runs it is told over its channel
 * and loses the lease: it kills the job and records nothing.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 failure ttl in seconds for jobs without one of their own
 *       4 token of this call
 * reply { "canceled", status before }   { "already" }   { "gone" }
 * ```
 *
 * The hash keeps the token, so that a second sending of the call gets the same answer.
 */
export const CANCEL: Script = new Script(
  "cancel",
  withPrelude(
    [TIME_LUA, TTL_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local id = ARGV[2]
if not is_job(id) then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'worker_name', 'failure_ttl', 'x_change')
local status, q = h[1] or '', h[2] or ''
if status == 'canceled' then
  local token, before = string.match(h[5] or '', '^(%S+) (%S*)$')
  if token == ARGV[4] then return {'canceled', before} end
  return {'already'}
end
redis.call('LREM', queue_key(q), 1, id)
unregister(id, q, {'finished', 'failed', 'deferred', 'scheduled'})
drop_executions(id, q)
redis.call('HSET', KEYS[1], 'status', 'canceled', 'x_change', ARGV[4] .. ' ' .. status)
redis.call('HDEL', KEYS[1], 'x_execution')
register(id, q, 'canceled', now)
wake(id, 'canceled')
wake_children(id)
local ttl = seconds(h[4], tonumber(ARGV[3]))
keep(id, ttl == 0 and 60 or ttl) -- long enough to be seen
if status == 'started' and h[3] then
  redis.call('PUBLISH', channel(h[3]), cjson.encode({command = 'stop-job', job_id = id}))
end
return {'canceled', status}
`,
  ),
);

/**
 * Removes a job and everything that is stored of it, its results included.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id
 * reply { "deleted", status before }   { "gone" }
 * ```
 */
export const DELETE: Script = new Script(
  "delete",
  withPrelude(
    [TIME_LUA, TTL_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local id = ARGV[2]
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'worker_name')
local status, q = h[1] or '', h[2] or ''
redis.call('LREM', queue_key(q), 1, id)
for _, parent in ipairs(redis.call('SMEMBERS', dependencies_key(id))) do
  redis.call('SREM', dependents_key(parent), id)
end
forget(id, q, is_held(id))
if status == 'started' and h[3] then
  redis.call('PUBLISH', channel(h[3]), cjson.encode({command = 'stop-job', job_id = id}))
end
return {'deleted', status}
`,
  ),
);

/**
 * Puts a failed or stopped job back on its queue, as if it had just been enqueued.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 "L" for the head, "R" for the tail   4 token of this call
 * reply { "requeued", enqueued_at }   { "not failed", status }   { "gone" }
 *       { "unfit", "" } a key of the queue holds another type of value
 * ```
 */
export const REQUEUE: Script = new Script(
  "requeue",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local id = ARGV[2]
if not is_job(id) then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'x_change', 'enqueued_at', 'started_at')
if h[3] == ARGV[4] then return {'requeued', h[4]} end
if h[1] ~= 'failed' and h[1] ~= 'stopped' then return {'not failed', h[1] or ''} end
if not h[2] or not can_push(h[2]) then return {'unfit', ''} end
redis.call('ZREM', registry_key('failed', h[2]), id)
if h[5] then redis.call('HSETNX', KEYS[1], 'x_attempts', 1) end -- a first start is seen by started_at alone
redis.call('HDEL', KEYS[1], 'started_at', 'ended_at', 'x_execution', 'x_abandoned')
for _, key in ipairs({KEYS[1], dependents_key(id), dependencies_key(id), results_key(id)}) do
  redis.call('PERSIST', key)
end
redis.call('HSET', KEYS[1], 'x_change', ARGV[4])
push(id, h[2], ARGV[3] == 'L')
return {'requeued', redis.call('HGET', KEYS[1], 'enqueued_at')}
`,
  ),
);

/**
 * Takes up to so many jobs off the head of a queue and removes them altogether.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 queue name   3 how many one call may remove
 * reply how many were removed; call again until 0
 * ```
 */
export const EMPTY: Script = new Script(
  "empty",
  withPrelude(
    [TIME_LUA, TTL_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local ids = redis.call('LPOP', KEYS[1], ARGV[3])
if not ids then return 0 end
for _, id in ipairs(ids) do
  local status = field(id, 'status')
  if status ~= 'started' then forget(id, ARGV[2]) end
end
return #ids
`,
  ),
);

/**
 * A job's status and its latest result, read at one moment.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its results
 * ARGV  1 key prefix
 * reply { 1 if there is such a job, status or "", the latest entry or nothing }
 * ```
 */
export const STATE: Script = new Script(
  "state",
  `
local is_job = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HEXISTS', KEYS[1], 'data')
local status = is_job == 1 and redis.call('HGET', KEYS[1], 'status') or ''
local latest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {is_job == 1 and 1 or 0, status or '', latest[1]}
`,
);

/**
 * The same for one who is about to wait for the job. The mark that it leaves (`x_waited`) has ends that no result
 * tells of written to the stream of ends. Tells too what the job itself waits for in vain: a parent that has failed,
 * was stopped or canceled; or one that is gone, if so are all that are left, since none of them will release it.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its results   3 the jobs that it waits for
 * ARGV  1 key prefix
 * reply { 1 if there is such a job, status or "", the latest entry or "", milliseconds since 1970,
 *         the id of such a parent or "", its status or "gone" }
 * ```
 */
export const AWAIT: Script = new Script(
  "await",
  `${someKeysLua(["job_key"])}
local is_job = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HEXISTS', KEYS[1], 'data') == 1
local h = is_job and redis.call('HMGET', KEYS[1], 'status', 'x_waited', 'allow_dependency_failures') or {}
local status = h[1] or ''
local latest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local time = redis.call('TIME')
-- pcall: one can also wait on a server that is full or read only
if is_job and not h[2] then redis.pcall('HSET', KEYS[1], 'x_waited', 1) end

local function in_vain()
  local parents = redis.pcall('SMEMBERS', KEYS[3])
  local gone = 0
  for _, parent in ipairs(parents) do
    local key = job_key(parent)
    local state = redis.pcall('HGET', key, 'status')
    if state == 'stopped' or state == 'canceled' or (state == 'failed' and h[3] ~= '1') then return parent, state end
    if type(state) ~= 'string' and redis.pcall('HEXISTS', key, 'data') ~= 1 then gone = gone + 1 end
  end
  if gone > 0 and gone == #parents then return parents[1], 'gone' end
  return '', ''
end

local parent, state = '', ''
if status == 'deferred' then parent, state = in_vain() end
return {is_job and 1 or 0, status, latest[1] or '', time[1] .. string.format('%03d', math.floor(time[2] / 1000)), parent, state}
`,
);

/**
 * Writes fields of a job that exists.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   then fields and values
 * reply 1 if written, 0 if there is no such job
 * ```
 */
export const SET_FIELDS: Script = new Script(
  "set_fields",
  `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'data') == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
`,
);
