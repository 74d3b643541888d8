/** The scripts by which a worker gets a job and keeps it. @module */

import { Script } from "../../redis/script.ts";
import { someKeysLua } from "../keys.ts";
import { LEASE_MARGIN } from "../lease.ts";
import {
  JOB_LUA,
  LEASE_LUA,
  NOW_LUA,
  TIME_LUA,
  withPrelude,
} from "./prelude.ts";

/** See `rare()` of {@linkcode CLAIM}. */
const CLAIM_RARE_LUA = `
local function give_back(from)
  for i = #ARGV - 1, from, -2 do
    if can_push(ARGV[i]) and redis.call('LREM', intermediate_key(ARGV[i]), 1, ARGV[i + 1]) > 0 then
      redis.call('LPUSH', queue_key(ARGV[i]), ARGV[i + 1])
    end
  end
end
return {holds = holds, live_execution = live_execution, whole = whole, give_back = give_back}
`;

/**
 * Takes the next jobs: pops them, marks them started and leases them, in one step.
 * A job that BLMOVE has put into an intermediate list ("caught") is claimed from there.
 *
 * ```
 * KEYS  1 the worker's hash
 *       then for each queue in order of priority: its list
 * ARGV  1 key prefix   2 worker name   3 lease in seconds
 *       4 job ids that may be popped and skipped in one call
 *       5 number of jobs wanted   6 number of further jobs, of the first queue only
 *       7 what the ids of the worker's executions begin with
 *       8 the number of its first execution of this claim, with which the id goes on
 *       9 what to do with a suspect: "free" take it, the worker has nothing else in hand; "stop" in front of it; "pass" it over
 *       10 number n of queues   11 … 10+n their names
 *       then pairs of queue name and job id: what was caught, in order of priority
 * reply { "jobs", now, skipped, queue, job id, execution id, { field, value, … }, … }
 *       { "empty", now, skipped }   { "suspect", now, skipped } none but suspects that are not to be taken now
 *       { "more", now, skipped } popped its share, call again
 *       { "suspended", now, skipped }   { "unregistered", now, skipped } the worker's hash is gone
 *       now: the server's time in milliseconds   skipped: { queue, job id, reason, … }
 *       all of it in MessagePack: the client would take longer to read it as a reply than Redis to claim
 * ```
 *
 * Dropped are ids whose hash is gone (expired, deleted) or is no job, of canceled or stopped jobs, and
 * of jobs that another worker is running. What was caught and is not claimed goes back to the
 * head of its queue. A job whose last worker died may be the reason, and those beside it would share the next worker's
 * end: such a suspect is only taken by a worker with nothing else in hand, and then alone. One that is passed over keeps
 * its place. The worker's hash remembers the claim, so that a second sending gets the same jobs.
 * \`x_attempts\` is written from the second start on.
 */
export const CLAIM: Script = new Script(
  "claim",
  `${someKeysLua(["job_key", "registry_key", "intermediate_key"])}${NOW_LUA}
local worker, lease, budget, wanted = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ahead, claim, mode, n = tonumber(ARGV[6]), ARGV[7] .. ARGV[8], ARGV[9], tonumber(ARGV[10])
local first_queue, first_caught = 11, 11 + n
-- a suspect is met, and no further job is to be taken
local met, stop = false, false
local skipped, claimed, leases, in_hand = {}, {}, {}, {}
local now_ms = time[1] .. string.sub(1000000 + time[2], 2, 4)
local answer, score, count, at = {'jobs', now_ms, skipped}, string.format('%d', now + lease + ${LEASE_MARGIN}), 0, nil

local function skip(q, id, reason)
  for _, value in ipairs({q, id, reason}) do skipped[#skipped + 1] = value end
end

local function hand_out(q, id, e, hash)
  local i = 4 * count + 3
  answer[i + 1], answer[i + 2], answer[i + 3], answer[i + 4] = q, id, e, hash
  i = 3 * count
  claimed[i + 1], claimed[i + 2], claimed[i + 3] = q, id, e
  count = count + 1
end

-- What few claims need: jobs that seem to be running, caught ones to be given back, a claim that is sent again.
local made
local function rare()
  if made then return made end
  local function make()
${withPrelude([JOB_LUA, LEASE_LUA], CLAIM_RARE_LUA)}
  end
  made = make()
  return made
end

-- gives true for a suspect that is not to be taken now
local function start(q, id)
  local key = job_key(id)
  local hash = redis.pcall('HGETALL', key)
  if hash.err then return skip(q, id, 'its key holds a ' .. redis.call('TYPE', key).ok) end
  if #hash == 0 then return skip(q, id, 'gone') end
  local status, has_data, has_origin, has_ended, been, attempts, abandoned, enqueued_at
  for i = 1, #hash, 2 do
    local field, value = hash[i], hash[i + 1]
    if field == 'status' then status = value
    elseif field == 'data' then has_data = true
    elseif field == 'origin' then has_origin = true
    elseif field == 'ended_at' then has_ended = true
    elseif field == 'started_at' then been = been or value ~= ''
    elseif field == 'x_execution' then been = true
    elseif field == 'x_attempts' then attempts = value
    elseif field == 'x_abandoned' then abandoned = value
    elseif field == 'enqueued_at' then enqueued_at = value
    end
  end
  if not has_data then return skip(q, id, 'it has no data') end
  if status == 'canceled' or status == 'stopped' then return skip(q, id, status) end
  if in_hand[id] or status == 'started' and rare().live_execution(id, q) then return skip(q, id, 'running') end

  if abandoned and enqueued_at and string.match(abandoned, ' (%S+)$') == enqueued_at then
    if mode ~= 'free' or count > 0 then
      met, stop = true, mode ~= 'pass'
      return true
    end
    stop = true
  end
  local e = ARGV[7] .. string.format('%08x', ARGV[8] + count)
  if not leases[q] then leases[q] = {} end
  local list = leases[q]
  list[#list + 1] = score
  list[#list + 1] = id .. ':' .. e
  in_hand[id] = true
  at = at or iso()
  redis.call('HSET', key, 'status', 'started', 'started_at', at, 'worker_name', worker, 'x_execution', e)
  -- how often it was started; the first time is not counted in the hash, which mostly is the only one
  if been or attempts then
    attempts = math.max(rare().whole(attempts), been and 1 or 0) + 1
    redis.call('HSET', key, 'x_attempts', attempts)
    hash[#hash + 1] = 'x_attempts'
    hash[#hash + 1] = tostring(attempts)
  end
  if has_ended then redis.call('HDEL', key, 'ended_at') end
  if not has_origin then redis.call('HSET', key, 'origin', q) end
  redis.call('PERSIST', key)
  hand_out(q, id, e, hash)
end

local function can_lease(q)
  local kind = redis.call('TYPE', registry_key('wip', q)).ok
  if kind == 'zset' or kind == 'none' then return true end
  skip(q, '', 'the key of its started registry holds a ' .. kind)
  return false
end

local function has_jobs(q, list)
  local kind = redis.call('TYPE', list).ok
  if kind == 'list' then return can_lease(q) end
  if kind ~= 'none' then skip(q, '', 'the key of the queue holds a ' .. kind) end
  return false
end

local hash = redis.call('HMGET', KEYS[1], 'x_instance', 'x_claim')
if not hash[1] then
  rare().give_back(first_caught)
  return cmsgpack.pack({'unregistered', now_ms, skipped})
end
local last = hash[2]
if last and string.sub(last, 1, #claim + 1) == claim .. ' ' then
  local list = cjson.decode(string.sub(last, #claim + 2))
  for i = 1, #list, 3 do
    local q, id, e = list[i], list[i + 1], list[i + 2]
    if rare().holds(id, q, e) then hand_out(q, id, e, redis.call('HGETALL', job_key(id))) end
  end
  if count > 0 then
    -- an end that was sent again before this has shown the worker idle
    redis.call('HSET', KEYS[1], 'state', 'busy', 'current_job', claimed[#claimed - 1])
    return cmsgpack.pack(answer)
  end
end
if redis.call('EXISTS', SUSPENDED) == 1 then
  rare().give_back(first_caught)
  return cmsgpack.pack({'suspended', now_ms, skipped})
end

for i = first_caught, #ARGV, 2 do
  local q, id = ARGV[i], ARGV[i + 1]
  if count == wanted or stop or not can_lease(q) then
    rare().give_back(i)
    break
  end
  if redis.call('LREM', intermediate_key(q), 1, id) > 0 and start(q, id) then
    redis.call('LPUSH', intermediate_key(q), id)
    rare().give_back(i)
    break
  end
end
for i = 1, n do
  local q, list = ARGV[first_queue + i - 1], KEYS[1 + i]
  local most = i == 1 and wanted + ahead or wanted
  if not stop and count < most and budget > 0 and has_jobs(q, list) then
    local left = {}
    local ids = redis.call('LPOP', list, math.min(most - count, budget))
    while ids do
      local before = count
      for _, id in ipairs(ids) do
        if stop or start(q, id) then left[#left + 1] = id end
      end
      budget = budget - #ids + count - before
      ids = not stop and count < most and budget > 0 and redis.call('LPOP', list, math.min(most - count, budget))
    end
    for k = #left, 1, -1 do redis.call('LPUSH', list, left[k]) end
  end
end

for q, list in pairs(leases) do redis.call('ZADD', registry_key('wip', q), unpack(list)) end
if count > 0 then
  redis.call('HSET', KEYS[1], 'state', 'busy', 'current_job', claimed[#claimed - 1], 'current_job_working_time', 0,
    'x_claim', claim .. ' ' .. cjson.encode(claimed))
  return cmsgpack.pack(answer)
end
return cmsgpack.pack({met and 'suspect' or budget <= 0 and 'more' or 'empty', now_ms, skipped})
`,
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
 * before its first heartbeat never has any. A worker that lost a job learns it here: whoever took it away has
 * changed its hash.
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
  -- EXPIRE first: a full Redis takes it, and then lets the script go on, so that no lease is lost for want of memory
  redis.call('EXPIRE', KEYS[1], ttl)
  redis.call('HSET', KEYS[1], 'last_heartbeat', at, 'x_heartbeat', now)
end
for i = 6, #ARGV, 3 do
  local q, id, e = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local wip, member = registry_key('wip', q), id .. ':' .. e
  -- the fence is the hash; a lease that only somebody's clean-up has dropped is made anew
  local mine = is_job(id) and field(id, 'status') == 'started' and field(id, 'x_execution') == e
  if answer[1] ~= 'replaced' and mine then
    redis.call('ZADD', wip, now + lease + ${LEASE_MARGIN}, member)
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
    -- a job that is still this execution's keeps its lease, which runs out: the sweep finds it by that alone
    if not mine then
      redis.call('ZREM', wip, member)
      redis.pcall('SREM', worker_executions_key(worker), member)
    end
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
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 the execution's id   then fields and values
 * reply 1 if written, 0 if the job is another's by now
 * ```
 */
export const RECORD: Script = new Script(
  "record",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution')
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
`,
);
