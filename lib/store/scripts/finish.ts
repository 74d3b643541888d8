/** The script that ends an execution. @module */

import { Script } from "../../redis/script.ts";
import { link, piecesWithout } from "../lua/link.ts";
import { END, placesLua } from "../records.ts";

/** What RARE_LUA finds outside. */
const OUTER = [
  "P",
  "job_key",
  "results_key",
  "dependents_key",
  "dependencies_key",
  "registry_key",
  "time",
  "now",
  "iso",
];

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
    -- whoever took it away may have left it in the worker's hands, as Python's cancel does
    if x.answer == 'lost' or x.answer == 'gone' then
      redis.pcall('SREM', worker_executions_key(worker), x.id .. ':' .. x.e)
    end
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

local function decide(x, h)
  if h.err or h[1] ~= 'started' or h[2] ~= x.e then return not_mine(x) end
  x.answer = x.outcome
  if x.outcome == 'failed' then x.answer = plan_retry(x) end
  if (x.outcome == 'requeued' or x.outcome == 'returned') and not can_push(x.q) then x.answer = 'stuck' end
  x.mine = x.answer ~= 'stuck'
end

local rare = {}

-- what becomes of an end, before anything is written
function rare.look_at(given, h)
  local x = {key = job_key(given[JOB_ID]), q = given[QUEUE], id = given[JOB_ID], e = given[EXECUTION],
    outcome = given[OUTCOME], ttl = tonumber(given[TTL]), payload = given[PAYLOAD], mine = false, cursor = '0'}
  decide(x, h)
  return x
end

-- gives the cursor to go on from
function rare.release(id, status)
  local cursor, looked_at = release(id, status, '0', budget)
  budget = budget - looked_at
  return cursor
end

-- the result of an end, which may come within a dump
function rare.add_result(given)
  local id, ttl, text = given[JOB_ID], tonumber(given[TTL]), given[PAYLOAD]
  if given[TEXT_FROM] ~= '0' then text = string.sub(text, given[TEXT_FROM], given[TEXT_TO]) end
  if text == '' then
    add_result(id, ttl, '', 'type', 1)
  else
    add_result(id, ttl, text, 'type', 1, 'return_value', text)
  end
end

rare.hold = hold

-- as if it had not been claimed
local function put_back(x)
  local attempts = whole(field(x.id, 'x_attempts'))
  redis.call('HSET', x.key, 'status', 'queued')
  redis.call('HDEL', x.key, 'started_at', 'worker_name', 'x_execution')
  if attempts > 1 then redis.call('HSET', x.key, 'x_attempts', attempts - 1) end
  redis.call('SADD', QUEUES, queue_key(x.q))
  redis.call('LPUSH', queue_key(x.q), x.id)
  expire(x.key, x.ttl)
  remember(x, 'returned')
end

local function go_on(x)
  if x.answer == 'returned' then return put_back(x) end
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
    x.cursor = rare.release(x.id, 'finished')
  elseif x.answer == 'failed' or x.answer == 'stopped' then
    fail(x.id, x.q, x.answer, x.ttl, x.payload, worker, x.e)
    if x.answer == 'failed' then x.cursor = rare.release(x.id, 'failed') end
  else
    return go_on(x)
  end
  if x.ttl ~= 0 then
    if x.cursor ~= '0' then hold(x.id, x.q, x.answer, x.ttl) end
    return
  end
  discard(x.id, x.q, x.answer, x.cursor)
  if not is_job(x.id) then remember(x, x.answer) end
end

-- what a heartbeat has written
function rare.drop_record(given)
  drop_execution(given[JOB_ID], given[QUEUE], given[EXECUTION], worker)
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
 *       6 MessagePack: a list of ends, each a record END
 * reply "finished", if that is so of all of them and no dependents are left
 *       else for each end two elements:
 *       "finished" | "failed" | "stopped" | "requeued" | "returned" | "retried" | "scheduled", the cursor to
 *       release further dependents from, "0" for none
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
  link(`${placesLua(END)}
local worker, state, budget, again = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local registered = redis.call('TYPE', KEYS[1]).ok == 'hash'
local at, remembered = iso(), {}

local made
local function rare()
  if made then return made end
  local function make()
RARE()
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

-- Most ends are of jobs that are this execution's, have succeeded and are kept. Of those only the key is noted.
local ends, keys, others = cmsgpack.unpack(ARGV[6]), {}, {}
local dependents, wip, mine = {}, {}, 0
for i, given in ipairs(ends) do
  local key = job_key(given[JOB_ID])
  local h = redis.pcall('HMGET', key, 'status', 'x_execution')
  if given[OUTCOME] == 'finished' and given[TTL] ~= '0' and h[1] == 'started' and h[2] == given[EXECUTION] then
    keys[i] = key
    dependents[#dependents + 1] = dependents_key(given[JOB_ID])
  else
    others[i] = rare().look_at(given, h)
  end
  if keys[i] or others[i].mine then
    local members = list_of(wip, given[QUEUE])
    members[#members + 1] = given[JOB_ID] .. ':' .. given[EXECUTION]
    mine = mine + 1
  end
end

-- the first write: a Redis that is full takes it, and then lets the script go on
for q, members in pairs(wip) do redis.pcall('ZREM', registry_key('wip', q), unpack(members)) end
local awaited = #dependents > 0 and redis.call('EXISTS', unpack(dependents)) > 0

local finished, cursors, scores, millis = {}, {}, {}, {}
local function set_ttl(key, ttl)
  if ttl == '-1' then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ttl) end
end

local function finish(i, given)
  local key, q, id, ttl = keys[i], given[QUEUE], given[JOB_ID], given[TTL]
  redis.call('HSET', key, 'status', 'finished', 'ended_at', at)
  local held = false
  if awaited then
    cursors[i] = rare().release(id, 'finished')
    held = cursors[i] ~= '0'
  end
  if not scores[ttl] then -- as texts: Redis takes its time over numbers
    scores[ttl] = ttl == '-1' and '+inf' or string.format('%d', now + ttl)
    millis[ttl] = ttl == '-1' and '0' or ttl .. '000'
  end
  local stored = given[TEXT_FROM] ~= '0' and redis.pcall('RESTORE', results_key(id), millis[ttl], given[PAYLOAD])
  -- there are earlier results, or this server takes no dump
  if not stored or stored.err then rare().add_result(given) end
  local members = list_of(finished, q)
  members[#members + 1] = scores[ttl]
  members[#members + 1] = id
  if held then rare().hold(id, q, 'finished', ttl) else set_ttl(key, ttl) end
  if given[IS_CHILD] == '1' then set_ttl(dependencies_key(id), ttl) end
end

local good, bad, worked, plain = 0, 0, 0, true
for i, given in ipairs(ends) do
  local x = others[i]
  if given[HAS_HEARTBEAT] == '1' and (not x or x.mine) then rare().drop_record(given) end
  if not x then finish(i, given) elseif x.mine then rare().carry_out(x) end
  if not x or x.mine then
    local outcome = given[OUTCOME]
    if outcome == 'finished' then good = good + 1 elseif outcome == 'failed' or outcome == 'stopped' then bad = bad + 1 end
    if outcome ~= 'requeued' then worked = worked + (tonumber(given[WORKED_SECONDS]) or 0) end
  end
  if x and x.answer ~= 'finished' or (x and x.cursor or cursors[i] or '0') ~= '0' then plain = false end
end
for q, members in pairs(finished) do redis.pcall('ZADD', registry_key('finished', q), unpack(members)) end

if registered and #remembered > 0 then
  if again > 0 then
    local before = redis.call('HGET', KEYS[1], 'x_ended') or ''
    remembered[#remembered + 1] = string.sub(before, 1, again * ${REMEMBERED_BYTES})
  end
  redis.call('HSET', KEYS[1], 'x_ended', table.concat(remembered))
end
if registered and (mine > 0 or state == 'idle') then
  redis.call('HSET', KEYS[1], 'state', state)
  if state == 'idle' then redis.call('HDEL', KEYS[1], 'current_job', 'current_job_working_time') end
  -- pcall: anybody may have written what is no number
  if good > 0 then redis.pcall('HINCRBY', KEYS[1], 'successful_job_count', good) end
  if bad > 0 then redis.pcall('HINCRBY', KEYS[1], 'failed_job_count', bad) end
  if good + bad > 0 then redis.pcall('HINCRBYFLOAT', KEYS[1], 'total_working_time', string.format('%.6f', worked)) end
end
if plain then return redis.status_reply('finished') end
local reply = {}
for i in ipairs(ends) do
  local x = others[i]
  reply[2 * i - 1] = x and x.answer or 'finished'
  reply[2 * i] = x and x.cursor or cursors[i] or '0'
end
return reply
`).replace("RARE()", () => link(RARE_LUA, piecesWithout(OUTER))),
);
