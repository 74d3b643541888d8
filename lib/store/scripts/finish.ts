/** The script that ends an execution. @module */

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
 * Records how an execution ended, provided that it still holds its lease.
 *
 * ```
 * KEYS  1 the worker's hash
 *       2 the job's hash
 *       3 the started registry of the queue
 * ARGV  1 key prefix   2 worker name   3 queue name   4 job id   5 execution id
 *       6 "finished" | "failed" | "stopped" | "requeued" (put back at the head)
 *       7 ttl of the result or the failure in seconds: 0 not kept, -1 for ever
 *       8 the result as base64 of JSON, "" for none; or the failure as base64 of zlib
 *       9 seconds worked   10 when the run began, unix seconds
 *      11 dependents that one call may release   12 "idle" if the worker has no other job in hand, else "busy"
 * reply { "finished" | "failed" | "stopped" | "requeued" | "retried" | "scheduled", the cursor to release further dependents from, "0" for none }
 *       { "stuck", "0" } it cannot be put back, since a key of the queue holds another type of value
 *       { "lost", "0" } the lease is gone, nothing was written   { "gone", "0" } the job was deleted
 * ```
 *
 * Dependents are released here, in the step that ends their parent. A failed job with retries
 * left (RQ's \`retries_left\`, \`retry_intervals\`) goes back to its queue or to the scheduled ones.
 * A second sending gets the same answer: the job's hash still names the execution, without a lease;
 * for a job that is not kept at all, the worker's hash remembers it.
 */
export const FINISH: Script = new Script(
  "finish",
  withPrelude(
    [TIME_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local worker, q, id, e, outcome = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local ttl, payload, worked, began, limit = seconds(ARGV[7], 0), ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])
local member = id .. ':' .. e

local function earlier_answer()
  local ended, answer = string.match(redis.call('HGET', KEYS[1], 'x_ended') or '', '^(%S+) (%S+)$')
  if ended == e then return answer end
  local status = field(id, 'x_execution') == e and field(id, 'status')
  if status == outcome then return outcome end
  if status == 'queued' and outcome == 'requeued' then return 'requeued' end
  if status == 'queued' and outcome == 'failed' then return 'retried' end
  if status == 'scheduled' and outcome == 'failed' then return 'scheduled' end
  return 'lost'
end

-- The hash is the fence, and the lease how it is lost: whoever takes a job away changes the hash too. A lease that
-- only somebody's clean-up has dropped (RQ before 2.0 takes its member for an id that is no job) loses nothing.
local h = redis.pcall('HMGET', KEYS[2], 'status', 'x_execution', 'dependency_ids')
local mine = not h.err and h[1] == 'started' and h[2] == e
if not mine and not redis.call('ZSCORE', KEYS[3], member) then
  local answer = earlier_answer()
  return {answer, answer == 'finished' and redis.call('EXISTS', dependents_key(id)) == 1 and '1' or '0'}
end
if not mine and is_job(id) then
  drop_execution(id, q, e, worker) -- canceled by Python, which leaves our lease alone
  return {'lost', '0'}
end
if not mine then
  drop_execution(id, q, e, worker)
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'x_ended', e .. ' gone') end
  return {'gone', '0'}
end

local function retry()
  local left = tonumber(field(id, 'retries_left') or '') or 0
  if not (left >= 1 and left < 1e9) then return false end
  left = math.floor(left)
  local intervals = {}
  local ok, list = pcall(cjson.decode, field(id, 'retry_intervals') or '[]')
  if ok and type(list) == 'table' then intervals = list end
  -- the index of rq.job.Job.get_retry_interval: a short list repeats its first number
  local interval = tonumber(intervals[math.max(#intervals - left, 0) + 1]) or 0
  if interval <= 0 and not can_push(q) then return 'stuck' end
  redis.call('HSET', KEYS[2], 'ended_at', iso(), 'retries_left', left - 1)
  if interval > 0 then
    redis.call('HSET', KEYS[2], 'status', 'scheduled')
    redis.call('ZADD', registry_key('scheduled', q), now + interval, id)
    return 'scheduled'
  end
  push(id, q, field(id, 'enqueue_at_front_on_retry') == '1')
  return 'retried'
end

if outcome == 'requeued' and not can_push(q) then return {'stuck', '0'} end
local answer, cursor = outcome, '0'
if outcome == 'failed' then answer = retry() or 'failed' end
if answer == 'stuck' then return {'stuck', '0'} end
drop_execution(id, q, e, worker)
if outcome == 'finished' then
  redis.call('HSET', KEYS[2], 'status', 'finished', 'ended_at', iso())
  cursor = release(id, 'finished', '0', limit)
  if ttl == 0 then
    discard(id, q, cursor)
  else
    local times = {'execution_id', e, 'execution_started_at', began, 'execution_ended_at', now_float}
    if payload == '' then
      add_result(id, 'type', 1, 'worker_name', worker, unpack(times))
    else
      add_result(id, 'type', 1, 'return_value', payload, 'worker_name', worker, unpack(times))
    end
    register(id, q, 'finished', ttl < 0 and '+inf' or now + ttl)
    keep(id, ttl, cursor == '0' and not h[3])
  end
elseif answer == 'failed' then
  fail(id, q, 'failed', ttl, payload, worker, e)
  cursor = release(id, 'failed', '0', limit)
  if ttl == 0 then discard(id, q, cursor) end
elseif outcome == 'stopped' then
  fail(id, q, 'stopped', ttl, payload, worker, e)
  if ttl == 0 then forget(id, q) end
elseif outcome == 'requeued' then
  push(id, q, true)
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'state', ARGV[12], 'x_ended', ttl == 0 and not is_job(id) and e .. ' ' .. answer or '')
  if ARGV[12] == 'idle' then redis.call('HDEL', KEYS[1], 'current_job', 'current_job_working_time') end
  if outcome == 'finished' then redis.call('HINCRBY', KEYS[1], 'successful_job_count', 1) end
  if outcome == 'failed' or outcome == 'stopped' then redis.call('HINCRBY', KEYS[1], 'failed_job_count', 1) end
  if outcome ~= 'requeued' then redis.call('HINCRBYFLOAT', KEYS[1], 'total_working_time', worked) end
end
return {answer, cursor}
`,
  ),
);

/**
 * Goes on releasing the dependents of a job that had very many.
 *
 * ```
 * KEYS  1 the dependents of the parent
 * ARGV  1 key prefix   2 id of the parent   3 "finished" | "failed"   4 the cursor   5 how many one call may release
 * reply the cursor to go on from, "0" at the end
 * ```
 */
export const RELEASE: Script = new Script(
  "release",
  withPrelude(
    [TIME_LUA, JOB_LUA, DEPENDENTS_LUA],
    `
local status = field(ARGV[2], 'status')
if status and status ~= ARGV[3] then return '0' end -- it was requeued meanwhile
return release(ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]))
`,
  ),
);
