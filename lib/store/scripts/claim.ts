/** The scripts by which a worker gets a job and keeps it. @module */

import { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { link, piecesWithout } from "../lua/link.ts";

/** What CLAIM_RARE_LUA finds outside. */
const OUTER = [
  "P",
  "job_key",
  "registry_key",
  "intermediate_key",
  "time",
  "now",
  "iso",
];

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
  () =>
    link(`
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
RARE()
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
  local status, has_data, has_origin, has_ended, been, execution, attempts, abandoned, enqueued_at
  for i = 1, #hash, 2 do
    local name, value = hash[i], hash[i + 1]
    if name == 'status' then status = value
    elseif name == 'data' then has_data = true
    elseif name == 'origin' then has_origin = true
    elseif name == 'ended_at' then has_ended = true
    elseif name == 'started_at' then been = been or value ~= ''
    elseif name == 'x_execution' then been, execution = true, value
    elseif name == 'x_attempts' then attempts = value
    elseif name == 'x_abandoned' then abandoned = value
    elseif name == 'enqueued_at' then enqueued_at = value
    end
  end
  if not has_data then return skip(q, id, 'it has no data') end
  if status == 'canceled' or status == 'stopped' then return skip(q, id, status) end
  if in_hand[id] or status == 'started' and rare().live_execution(id, q, execution) then return skip(q, id, 'running') end

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
`).replace("RARE()", () => link(CLAIM_RARE_LUA, piecesWithout(OUTER))),
);
