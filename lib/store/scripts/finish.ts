/** The script that ends an execution. @module */

import { Script } from "../../redis/script.ts";
import { FEW_KEYS_LUA } from "../keys.ts";
import {
  DEPENDENTS_LUA,
  ENDING_LUA,
  JOB_LUA,
  LEASE_LUA,
  NOW_LUA,
  TIME_LUA,
  TTL_LUA,
  withPrelude,
} from "./prelude.ts";

/** Bytes of one end as a worker's hash remembers it: the execution's id, and the longest answer. */
const REMEMBERED_BYTES = 48;

/**
 * All that most ends do not need: those that are not successes, that have others waiting for them, that are not
 * kept, or that were not this execution's any more. To make these functions takes as long as to end a job, hence
 * a function of its own.
 */
const RARE_LUA = `
local function remember(x, answer)
  remembered[#remembered + 1] = x.e .. ' ' .. answer .. ' '
end

local earlier
local function answered_before(x)
  if not earlier then
    earlier = {}
    local text = registered and redis.call('HGET', KEYS[1], 'x_ended') or ''
    for e, answer in string.gmatch(text, '(%S+) (%S+) ') do earlier[e] = answer end
  end
  if earlier[x.e] then return earlier[x.e] end
  local status = field(x.id, 'x_execution') == x.e and field(x.id, 'status')
  if status == x.outcome then return status end
  if status == 'queued' and x.outcome == 'requeued' then return 'requeued' end
  if status == 'queued' and x.outcome == 'failed' then return 'retried' end
  if status == 'scheduled' and x.outcome == 'failed' then return 'scheduled' end
  return 'lost'
end

-- The hash is the fence, and the lease how it is lost: whoever takes a job away changes the hash too. A lease that
-- only somebody's clean-up has dropped (RQ before 2.0 takes its member for an id that is no job) loses nothing.
local function not_mine(x)
  local lease = redis.pcall('ZSCORE', registry_key('wip', x.q), x.id .. ':' .. x.e)
  if type(lease) ~= 'string' then
    x.answer = answered_before(x)
    x.cursor = x.answer == 'finished' and redis.call('EXISTS', dependents_key(x.id)) == 1 and 'begin' or '0'
    return
  end
  drop_execution(x.id, x.q, x.e, worker)
  x.answer = is_job(x.id) and 'lost' or 'gone' -- or canceled by Python, which leaves our lease alone
  if x.answer == 'gone' then remember(x, 'gone') end
end

local function plan_retry(x)
  local h = redis.call('HMGET', x.key, 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry')
  local left = whole(h[1])
  if left < 1 then return 'failed' end
  local intervals = {}
  local ok, list = pcall(cjson.decode, h[2] or '[]')
  if ok and type(list) == 'table' then intervals = list end
  -- the index of rq.job.Job.get_retry_interval: a short list repeats its first number
  x.interval = tonumber(intervals[math.max(#intervals - left, 0) + 1]) or 0
  x.left, x.front = left - 1, h[3] == '1'
  if x.interval <= 0 then return can_push(x.q) and 'retried' or 'stuck' end
  local kind = redis.call('TYPE', registry_key('scheduled', x.q)).ok
  return (kind == 'zset' or kind == 'none') and 'scheduled' or 'stuck'
end

local rare = {}

-- what becomes of an end, before anything is written
function rare.look_at(x, h)
  x.mine = false
  if h.err or h[1] ~= 'started' or h[2] ~= x.e then return not_mine(x) end
  x.answer = x.outcome
  if x.outcome == 'failed' then x.answer = plan_retry(x) end
  if x.outcome == 'requeued' and not can_push(x.q) then x.answer = 'stuck' end
  x.mine = x.answer ~= 'stuck'
end

function rare.release(x)
  local looked_at
  x.cursor, looked_at = release(x.id, x.answer, '0', budget)
  budget = budget - looked_at
end

function rare.add_result(x)
  local text = x.payload
  if x.from > 0 then text = string.sub(text, x.from, x.to) end
  if text == '' then
    add_result(x.id, x.ttl, '', 'type', 1)
  else
    add_result(x.id, x.ttl, text, 'type', 1, 'return_value', text)
  end
end

local function go_on(x)
  if x.answer == 'retried' or x.answer == 'scheduled' then
    redis.call('HSET', x.key, 'ended_at', at, 'retries_left', x.left)
  end
  if x.answer == 'scheduled' then
    redis.call('HSET', x.key, 'status', 'scheduled')
    register(x.id, x.q, 'scheduled', now + x.interval)
  else
    push(x.id, x.q, x.answer == 'requeued' or x.front)
  end
end

-- an end that is not kept, or no success
function rare.carry_out(x)
  if x.answer == 'finished' then
    redis.call('HSET', x.key, 'status', 'finished', 'ended_at', at)
    rare.release(x)
  elseif x.answer == 'failed' or x.answer == 'stopped' then
    fail(x.id, x.q, x.answer, x.ttl, x.payload, worker, x.e)
    if x.answer == 'failed' then rare.release(x) end
  else
    return go_on(x)
  end
  if x.ttl ~= 0 then return end
  discard(x.id, x.q, x.cursor)
  if not is_job(x.id) then remember(x, x.answer) end
end

-- a heartbeat has written an execution record
function rare.drop_record(x)
  drop_execution(x.id, x.q, x.e, worker)
end

return rare
`;

/**
 * Records how executions ended, each provided that its job is still this execution's.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name   3 "idle" if the worker has no other job in hand, else "busy"
 *       4 dependents that one call may release   5 earlier ends that may be sent again with these
 *       6 MessagePack: for each end a list of queue name, job id, execution id,
 *       "finished" | "failed" | "stopped" | "requeued" (put back at the head),
 *       ttl of the result or the failure in seconds: 0 not kept, -1 for ever,
 *       the result as base64 of JSON, "" for none; or the failure as base64 of zlib,
 *       seconds worked,
 *       of a result that comes as the dump of its stream, where the base64 begins and ends in it, else 0 and 0
 * reply for each end two elements:
 *       "finished" | "failed" | "stopped" | "requeued" | "retried" | "scheduled", the cursor to release further dependents from, "0" for none
 *       "stuck", "0" it cannot be put back, since a key of the queue holds another type of value
 *       "lost", "0" the lease is gone, nothing was written   "gone", "0" the job was deleted
 * ```
 *
 * Dependents are released here, in the step that ends their parent. A failed job with retries
 * left (RQ's \`retries_left\`, \`retry_intervals\`) goes back to its queue or to the scheduled ones.
 * A second sending gets the same answers: the job's hash still names the execution, without a lease;
 * jobs that are not kept at all are remembered by the worker's hash.
 *
 * What is the same for all ends is done once: a success takes four commands. A result is what RQ needs to
 * read it, type and value: who ran it and when stands in the job's hash, and would be a tenth of the job's memory.
 */
export const FINISH: Script = new Script(
  "finish",
  `${FEW_KEYS_LUA}${NOW_LUA}${TTL_LUA}
local worker, state, budget, again = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local registered = redis.call('TYPE', KEYS[1]).ok == 'hash'
local at = iso()
local remembered, ends, wip, finished, dependents = {}, {}, {}, {}, {}
local mine, good, bad, worked = 0, 0, 0, 0

local made
local function rare()
  if made then return made end
  local function make()
${withPrelude([JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA], RARE_LUA)}
  end
  made = make()
  return made
end

local function list_of(lists, q)
  local list = lists[q]
  if not list then
    list = {}
    lists[q] = list
  end
  return list
end

for i, given in ipairs(cmsgpack.unpack(ARGV[6])) do
  local id, e, ttl = given[2], given[3], seconds(given[5], 0)
  local x = {key = job_key(id), q = given[1], id = id, e = e, outcome = given[4], ttl = ttl, payload = given[6],
    worked = given[7], from = tonumber(given[8]), to = tonumber(given[9]), answer = 'finished', cursor = '0', mine = true}
  ends[i] = x
  local h = redis.pcall('HMGET', x.key, 'status', 'x_execution', 'dependency_ids', 'last_heartbeat')
  x.plain = x.outcome == 'finished' and ttl ~= 0 and h[1] == 'started' and h[2] == e
  if not x.plain then rare().look_at(x, h) end
  if x.mine then
    x.child, x.beaten = h[3], h[4] and h[4] ~= ''
    local members = list_of(wip, x.q)
    members[#members + 1] = id .. ':' .. e
    if x.plain then dependents[#dependents + 1] = x.key .. ':dependents' end
  end
end

-- the first write: a Redis that is full takes it, and then lets the script go on
for q, members in pairs(wip) do redis.pcall('ZREM', P .. 'wip:' .. q, unpack(members)) end
local awaited = #dependents > 0 and redis.call('EXISTS', unpack(dependents)) > 0

local function finish(x)
  redis.call('HSET', x.key, 'status', 'finished', 'ended_at', at)
  if awaited then
    rare().release(x)
    if x.cursor ~= '0' then expire(x.key .. ':dependents', x.ttl) end
  end
  local stored = x.from > 0 and redis.pcall('RESTORE', P .. 'results:' .. x.id, x.ttl < 0 and 0 or x.ttl * 1000, x.payload)
  -- there are earlier results, or this server takes no dump
  if not stored or stored.err then rare().add_result(x) end
  local members = list_of(finished, x.q)
  members[#members + 1] = x.ttl < 0 and '+inf' or now + x.ttl
  members[#members + 1] = x.id
  expire(x.key, x.ttl)
  if x.child then expire(P .. 'job::' .. x.id .. ':dependencies', x.ttl) end
end

for _, x in ipairs(ends) do
  if x.mine then
    if x.beaten then rare().drop_record(x) end
    if x.plain then finish(x) else rare().carry_out(x) end
    mine = mine + 1
    if x.outcome == 'finished' then good = good + 1 elseif x.outcome ~= 'requeued' then bad = bad + 1 end
    if x.outcome ~= 'requeued' then worked = worked + (tonumber(x.worked) or 0) end
  end
end
for q, members in pairs(finished) do redis.pcall('ZADD', P .. 'finished:' .. q, unpack(members)) end

if registered and #remembered > 0 then
  if again > 0 then
    local before = redis.call('HGET', KEYS[1], 'x_ended') or ''
    remembered[#remembered + 1] = string.sub(before, 1, again * ${REMEMBERED_BYTES})
  end
  redis.call('HSET', KEYS[1], 'x_ended', table.concat(remembered))
end
if registered and mine > 0 then
  redis.call('HSET', KEYS[1], 'state', state)
  if state == 'idle' then redis.call('HDEL', KEYS[1], 'current_job', 'current_job_working_time') end
  -- pcall: anybody may have written what is no number
  if good > 0 then redis.pcall('HINCRBY', KEYS[1], 'successful_job_count', good) end
  if bad > 0 then redis.pcall('HINCRBY', KEYS[1], 'failed_job_count', bad) end
  if good + bad > 0 then redis.pcall('HINCRBYFLOAT', KEYS[1], 'total_working_time', string.format('%.6f', worked)) end
end
local reply = {}
for _, x in ipairs(ends) do
  reply[#reply + 1] = x.answer
  reply[#reply + 1] = x.cursor
end
return reply
`,
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
