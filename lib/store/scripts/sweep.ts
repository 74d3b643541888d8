/** The scripts that find what was left behind. @module */

import { Script } from "../../redis/script.ts";
import { ALONE_DIGIT, EXECUTION_ID_LENGTH } from "../execution_id.ts";
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
 * One bounded pass over one queue. Any number of workers may run it at once.
 *
 * ```
 * KEYS  1 the queue's started registry   2 its intermediate list
 *       3 its finished registry   4 its failed registry   5 its deferred registry   6 its canceled registry
 * ARGV  1 key prefix   2 queue name   3 how many of each kind one pass looks at
 *       4 times that a job may lose its worker   5 seconds that an id may stay in the intermediate list
 *       6 failure ttl in seconds for jobs without one of their own
 *       7 base64 of zlib: the failure text of an abandoned job   8 from where on to look at deferred jobs
 * reply { "requeued" | "failed", job id, … }   where to look at deferred jobs the next time is its first element
 * ```
 *
 * 1. A lease that ran out: the job goes back to the head of its queue, and after so many times fails.
 *    A member whose job is gone, has ended or is run by a newer execution is just dropped.
 * 2. An id in the intermediate list that nobody has claimed goes back to the head of the queue,
 *    once it has been seen there for a while (RQ's \`first_seen\` key; RQ itself would fail the job).
 *    The key lives only a little longer than that, so that it never speaks of an earlier visit.
 * 3. Ids of results and failures whose time is up, and of canceled jobs that are gone, leave their registries.
 * 4. A deferred job whose parents are all done is queued: a program may have died before it released them.
 */
export const SWEEP: Script = new Script(
  "sweep",
  withPrelude(
    [TIME_LUA, TTL_LUA, JOB_LUA, LEASE_LUA, DEPENDENTS_LUA, ENDING_LUA],
    `
local q, limit, most, grace, offset = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[8])
local answer = {0}
local function report(what, id)
  answer[#answer + 1] = what
  answer[#answer + 1] = id
end

local pushable = can_push(q)
-- A loss counts for a job that had its worker for itself: a suspect, and one of a worker that has no others in hand,
-- as the execution's id tells. Else it only becomes a suspect. What was counted holds for this stay in the queue, which
-- enqueued_at tells from a later one.
local function recover(id, e)
  local h = redis.call('HMGET', job_key(id), 'failure_ttl', 'worker_name', 'x_abandoned', 'enqueued_at')
  local count, since = string.match(h[3] or '', '^(%d+) (%S+)$')
  local suspect = count and since == h[4]
  local losses = suspect and whole(count) or 0
  if suspect or #e ~= ${EXECUTION_ID_LENGTH} or string.sub(e, 1, 1) == '${ALONE_DIGIT}' then losses = losses + 1 end
  drop_executions(id, q)
  redis.call('HDEL', job_key(id), 'x_execution', 'x_abandoned')
  if losses > most then
    local ttl = seconds(h[1], tonumber(ARGV[6]))
    fail(id, q, 'failed', ttl, ARGV[7], h[2] or '', e)
    local released = release(id, 'failed', '0', limit)
    if ttl == 0 then discard(id, q, released) end
    return report('failed', id)
  end
  push(id, q, true)
  redis.call('HSET', job_key(id), 'x_abandoned', losses .. ' ' .. iso())
  report('requeued', id)
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now, 'LIMIT', 0, limit)) do
  local id, e = string.match(member, '^(.*):([^:]*)$')
  if not id then id, e = member, '' end
  local abandoned = field(id, 'status') == 'started' and is_job(id) and not live_execution(id, q)
  if not abandoned or pushable then redis.call('ZREM', KEYS[1], member) end
  if abandoned and pushable then recover(id, e) end
end

for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, limit - 1)) do
  local seen_key = first_seen_key(q, id)
  local seen = tonumber(redis.call('GET', seen_key) or '')
  if not seen then
    redis.call('SET', seen_key, now_float, 'NX', 'EX', grace * 3)
  elseif pushable and tonumber(now_float) - seen >= grace then
    local status = field(id, 'status')
    local unclaimed = is_job(id) and not live_execution(id, q)
    if not is_job(id) or unclaimed or status ~= 'started' then
      redis.call('LREM', KEYS[2], 1, id)
      redis.call('DEL', seen_key)
    end
    if unclaimed and status ~= 'finished' and status ~= 'failed' and status ~= 'stopped' and status ~= 'canceled' then
      push(id, q, true)
      report('requeued', id)
    end
  end
end

for i = 3, 4 do
  local over = redis.pcall('ZRANGEBYSCORE', KEYS[i], 0, now, 'LIMIT', 0, limit)
  if #over > 0 and not over.err then redis.call('ZREM', KEYS[i], unpack(over)) end
end

for _, id in ipairs(redis.pcall('ZRANDMEMBER', KEYS[6], limit)) do
  if redis.call('EXISTS', job_key(id)) == 0 then redis.call('ZREM', KEYS[6], id) end
end

local deferred = redis.pcall('ZRANGE', KEYS[5], offset, offset + limit - 1)
local stay = 0
for _, c in ipairs(deferred) do
  if not is_job(c) then redis.call('ZREM', KEYS[5], c)
  elseif not promote(c, true) then stay = stay + 1 end
end
if #deferred == limit then answer[1] = offset + stay end
return answer
`,
  ),
);

/**
 * Drops workers whose hash has expired from the sets of workers. A worker of ours that has died
 * and whose lease somebody's clean-up has dropped (RQ before 2.0 does) gets that of its last claim back,
 * expired, so that the next sweep finds its job.
 *
 * ```
 * KEYS  1 the set of all workers   2 the set of all queues
 * ARGV  1 key prefix   2 how many one call looks at   3 seconds without a heartbeat after which a worker is dead
 *       4 … names of queues that need not be among all queues
 * reply the keys of those dropped
 * ```
 */
export const DROP_DEAD_WORKERS: Script = new Script(
  "drop_dead_workers",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local dead = {}
local function restore_lease(key)
  local h = redis.pcall('HMGET', key, 'x_heartbeat', 'x_claim')
  if h.err or not h[2] or now - (tonumber(h[1] or '') or 0) < tonumber(ARGV[3]) then return end
  local claimed = cjson.decode(string.match(h[2], ' (.*)$'))
  for i = 1, #claimed, 3 do
    local q, id, e = claimed[i], claimed[i + 1], claimed[i + 2]
    if field(id, 'status') == 'started' and field(id, 'x_execution') == e then
      redis.call('ZADD', registry_key('wip', q), 'NX', now - 1, id .. ':' .. e)
    end
  end
end
for _, key in ipairs(redis.call('SRANDMEMBER', KEYS[1], tonumber(ARGV[2]))) do
  if redis.call('EXISTS', key) == 0 then
    dead[#dead + 1] = key
    redis.call('SREM', KEYS[1], key)
    for _, queue in ipairs(redis.call('SMEMBERS', KEYS[2])) do
      redis.call('SREM', queue_workers_key(string.sub(queue, #queue_key('') + 1)), key)
    end
    for i = 4, #ARGV do redis.call('SREM', queue_workers_key(ARGV[i]), key) end
  else
    restore_lease(key)
  end
end
return dead
`,
  ),
);

/**
 * Queues scheduled jobs of one queue whose time has come.
 *
 * ```
 * KEYS  1 the queue's scheduled registry   2 the lock that RQ's schedulers share
 * ARGV  1 key prefix   2 queue name   3 how many one call moves
 * reply how many were queued, or -1 if a Python scheduler holds the lock
 * ```
 *
 * RQ's scheduler reads and moves in two steps, so that it must be kept out; ours is one step, and any
 * number of workers may do it. The lock's value is a number, since RQ before 2.10 reads it as a process id:
 * 0 stands for all of us.
 */
export const PROMOTE_SCHEDULED: Script = new Script(
  "promote_scheduled",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local q = ARGV[2]
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= '0' then return -1 end
redis.call('SET', KEYS[2], '0', 'EX', 61)
local moved = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now, 'LIMIT', 0, tonumber(ARGV[3]))) do
  redis.call('ZREM', KEYS[1], id)
  if is_job(id) and field(id, 'status') == 'scheduled' then
    local again = field(id, 'enqueue_at_front_on_retry') == '1' and field(id, 'ended_at')
    push(id, q, field(id, 'enqueue_at_front') == '1' or again)
    moved = moved + 1
  end
end
return moved
`,
  ),
);

/**
 * Gives the lock of a queue's scheduler up, if it is ours. Another scheduler of ours takes it again within a second.
 *
 * ```
 * KEYS  1 the lock
 * ARGV  1 key prefix
 * reply 1 if it was ours, else 0
 * ```
 */
export const RELEASE_SCHEDULER: Script = new Script(
  "release_scheduler",
  `
if redis.call('GET', KEYS[1]) ~= '0' then return 0 end
return redis.call('DEL', KEYS[1])
`,
);
