/** The scripts by which a worker gets a job and keeps it. @module */

import { Script } from "../../redis/script.ts";
import { JOB_LUA, LEASE_LUA, TIME_LUA, withPrelude } from "./prelude.ts";

/**
 * Takes the next job: pops it, marks it started and leases it, in one step.
 * A job that BLMOVE has put into an intermediate list ("caught") is claimed from there.
 *
 * ```
 * KEYS  1 the worker's hash
 *       then for each queue in order of priority: its list, its intermediate list
 * ARGV  1 key prefix   2 worker name   3 execution id   4 lease in seconds
 *       5 job ids that may be popped and skipped in one call
 *       6 number n of queues   7 … 6+n their names
 *       then pairs of queue name and job id: what was caught, in order of priority
 * reply { "job", queue, job id, skipped, { field, value, … } }
 *       { "empty", skipped }   { "more", skipped } popped its share, call again
 *       { "suspended" }   { "unregistered" } the worker's hash is gone
 *       skipped: { queue, job id, reason, … }
 * ```
 *
 * Dropped are ids whose hash is gone (expired, deleted) or is no job, of canceled or stopped jobs, and
 * of jobs that another worker is running. What was caught and is not claimed goes back to the
 * head of its queue. The worker's hash remembers the claim, so that a second sending gets the same job.
 */
export const CLAIM: Script = new Script(
  "claim",
  withPrelude(
    [TIME_LUA, JOB_LUA, LEASE_LUA],
    `
local worker, e, lease, budget, n = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local first_caught = 7 + n
local skipped = {}

local function skip(q, id, reason)
  for _, value in ipairs({q, id, reason}) do skipped[#skipped + 1] = value end
end

local function reply(q, id)
  return {'job', q, id, skipped, redis.call('HGETALL', job_key(id))}
end

local function unfit(q, id)
  local kind = redis.call('TYPE', job_key(id)).ok
  if kind == 'none' then return 'gone' end
  if kind ~= 'hash' then return 'its key holds a ' .. kind end
  if redis.call('HEXISTS', job_key(id), 'data') == 0 then return 'it has no data' end
  local status = field(id, 'status')
  if status == 'canceled' or status == 'stopped' then return status end
  if status == 'started' and live_execution(id, q) then return 'running' end
end

local function start(q, id)
  local reason = unfit(q, id)
  if reason then
    skip(q, id, reason)
    return false
  end
  local at = iso()
  redis.call('ZADD', registry_key('wip', q), now + lease, id .. ':' .. e)
  redis.call('HSET', job_key(id), 'status', 'started', 'started_at', at, 'last_heartbeat', at,
    'worker_name', worker, 'x_execution', e)
  redis.call('HDEL', job_key(id), 'ended_at')
  redis.call('HINCRBY', job_key(id), 'x_attempts', 1)
  redis.call('HSETNX', job_key(id), 'origin', q)
  redis.call('PERSIST', job_key(id))
  redis.call('HSET', KEYS[1], 'state', 'busy', 'current_job', id, 'current_job_working_time', 0,
    'x_claim', e, 'x_claim_queue', q, 'x_claim_job', id)
  return true
end

local function give_back(from)
  for i = #ARGV - 1, from, -2 do
    if redis.call('LREM', intermediate_key(ARGV[i]), 1, ARGV[i + 1]) > 0 then
      redis.call('LPUSH', queue_key(ARGV[i]), ARGV[i + 1])
    end
  end
end

local function usable(q, list)
  local kind, wip = redis.call('TYPE', list).ok, redis.call('TYPE', registry_key('wip', q)).ok
  if kind ~= 'list' then
    if kind ~= 'none' then skip(q, '', 'the key of the queue holds a ' .. kind) end
    return false
  end
  if wip == 'zset' or wip == 'none' then return true end
  skip(q, '', 'the key of its started registry holds a ' .. wip)
  return false
end

if redis.call('EXISTS', KEYS[1]) == 0 then
  give_back(first_caught)
  return {'unregistered'}
end
local last = redis.call('HMGET', KEYS[1], 'x_claim', 'x_claim_queue', 'x_claim_job')
if last[1] == e and last[2] and holds(last[3], last[2], e) then return reply(last[2], last[3]) end
if redis.call('EXISTS', SUSPENDED) == 1 then
  give_back(first_caught)
  return {'suspended'}
end

for i = first_caught, #ARGV, 2 do
  local q, id = ARGV[i], ARGV[i + 1]
  if redis.call('LREM', intermediate_key(q), 1, id) > 0 and start(q, id) then
    give_back(i + 2)
    return reply(q, id)
  end
end
for i = 1, n do
  local q, list = ARGV[6 + i], KEYS[2 * i]
  while usable(q, list) do
    local id = redis.call('LPOP', list)
    if start(q, id) then return reply(q, id) end
    budget = budget - 1
    if budget <= 0 then return {'more', skipped} end
  end
end
return {'empty', skipped}
`,
  ),
);

/**
 * Shows that a worker lives and extends the leases of what it runs.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name   3 the worker's instance
 *       4 worker ttl in seconds   5 lease in seconds
 *       then triples of queue name, job id, execution id
 * reply { "ok" | "gone" | "replaced", then for each triple "ok" | "lost" }
 * ```
 *
 * The execution records that RQ's monitors read are written here and not by the claim: what ends
 * before its first heartbeat never has any. A lease is only ever extended, never made: a worker
 * that lost one learns it here.
 */
export const HEARTBEAT: Script = new Script(
  "heartbeat",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local worker, instance, ttl, lease = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local at = iso()
local answer = {'ok'}
local known = redis.call('HGET', KEYS[1], 'x_instance')
if not known then answer[1] = 'gone' elseif known ~= instance then answer[1] = 'replaced' end
if answer[1] == 'ok' then
  redis.call('HSET', KEYS[1], 'last_heartbeat', at, 'x_heartbeat', now)
  redis.call('EXPIRE', KEYS[1], ttl)
end
for i = 6, #ARGV, 3 do
  local q, id, e = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local wip, member = registry_key('wip', q), id .. ':' .. e
  if answer[1] ~= 'replaced' and is_job(id) and redis.call('ZSCORE', wip, member) then
    redis.call('ZADD', wip, 'XX', now + lease, member)
    redis.call('HSET', job_key(id), 'last_heartbeat', at)
    redis.call('HSETNX', execution_key(id, e), 'created_at', now_float)
    redis.call('HSET', execution_key(id, e), 'id', e, 'job_id', id, 'last_heartbeat', now_float, 'worker_name', worker)
    redis.call('EXPIRE', execution_key(id, e), lease + 60)
    redis.call('ZADD', executions_key(id), now + lease + 60, e)
    redis.call('EXPIRE', executions_key(id), lease + 60)
    redis.call('SADD', worker_executions_key(worker), member)
    redis.call('EXPIRE', worker_executions_key(worker), lease + 60)
    answer[#answer + 1] = 'ok'
  else
    redis.call('ZREM', wip, member)
    answer[#answer + 1] = 'lost'
  end
end
return answer
`,
  ),
);

/**
 * Puts what BLMOVE has caught for a worker that leaves back at the head of its queue.
 *
 * ```
 * KEYS  1 the intermediate list   2 the queue's list
 * ARGV  1 key prefix   2 job id
 * reply 1 if it was still there, else 0
 * ```
 */
export const GIVE_BACK: Script = new Script(
  "give_back",
  `
if redis.call('LREM', KEYS[1], 1, ARGV[2]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1
`,
);

/**
 * Writes fields of a running job for its own execution.
 *
 * ```
 * KEYS  1 the job's hash   2 the started registry
 * ARGV  1 key prefix   2 the lease: job id and execution id   then fields and values
 * reply 1 if written, 0 if the lease is lost
 * ```
 */
export const RECORD: Script = new Script(
  "record",
  `
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
`,
);
