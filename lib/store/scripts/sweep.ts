/** The scripts that find jobs which somebody has left in the middle. @module */

import { Script } from "../../redis/script.ts";
import { ALONE_DIGIT, EXECUTION_ID_LENGTH } from "../execution_id.ts";
import { LEASE_MARGIN } from "../lease.ts";
import {
  DEPENDENTS_LUA,
  ENDING_LUA,
  HEAD_LUA,
  JOB_LUA,
  LEASE_LUA,
  TIME_LUA,
  TTL_LUA,
  withPrelude,
} from "./prelude.ts";

/**
 * Finds leases that have run out, of any job: whether it is abandoned is seen when it is recovered.
 *
 * ```
 * KEYS  1 the queue's started registry
 * ARGV  1 key prefix   2 from which member on   3 how many to look at
 * reply { how many were looked at, member, order, … }   members sorted by their order are as they left the queue
 * ```
 *
 * A job that was claimed earlier was nearer to the head: what orders them is the time of the claim, and of those of
 * one claim the execution's id.
 */
export const EXPIRED_LEASES: Script = new Script(
  "expired_leases",
  withPrelude(
    [TIME_LUA, JOB_LUA, LEASE_LUA],
    `
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now + ${LEASE_MARGIN}, 'WITHSCORES',
  'LIMIT', ARGV[2], ARGV[3])
local answer = {#found / 2}
for i = 1, #found, 2 do
  local id, e = string.match(found[i], '^(.*):([^:]*)$')
  if not id then id, e = found[i], '' end
  if lease_end(e, found[i + 1]) <= now then
    answer[#answer + 1] = found[i]
    answer[#answer + 1] = (field(id, 'started_at') or '') .. ' ' .. e
  end
end
return answer
`,
  ),
);

/**
 * Puts jobs whose lease ran out back at the head of their queue, the first one foremost; after so many times one fails.
 * A member whose job is gone, has ended or is run by a newer execution is just dropped.
 *
 * ```
 * KEYS  1 the queue's started registry   2 the mark of who is at it
 * ARGV  1 key prefix   2 queue name   3 the caller's token   4 milliseconds for which nobody else may, 0 if it does not come back
 *       5 times that a job may lose its worker   6 failure ttl in seconds for jobs without one of their own
 *       7 base64 of zlib: the failure text of an abandoned job   8 dependents that one call may release
 *       9 the job that the last call has put back, "" for none   10 … members, in the order of their jobs
 * reply { "requeued" | "failed", job id, … }   { "busy", "" } somebody else is at it: two would mix up the order
 * ```
 */
export const RECOVER: Script = new Script(
  "recover",
  withPrelude(
    [
      TIME_LUA,
      TTL_LUA,
      JOB_LUA,
      LEASE_LUA,
      DEPENDENTS_LUA,
      ENDING_LUA,
      HEAD_LUA,
    ],
    `
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then return {'busy', ''} end
if ARGV[4] == '0' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4]) end
local q, most, budget = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[8])
local pushable = can_push(q)
local at, back, answer = iso(), {}, {}

-- A loss counts for a job that had its worker for itself: a suspect, and one of a worker that has no others in hand,
-- as the execution's id tells. Else it only becomes a suspect. What was counted holds for this stay in the queue, which
-- enqueued_at tells from a later one.
local function recover(id, e, job)
  local failure_ttl, worker, abandoned, enqueued_at = job[3], job[4], job[5], job[6]
  local count, since = string.match(abandoned or '', '^(%d+) (%S+)$')
  local suspect = count and since == enqueued_at
  local losses = suspect and whole(count) or 0
  if suspect or #e ~= ${EXECUTION_ID_LENGTH} or string.sub(e, 1, 1) == '${ALONE_DIGIT}' then losses = losses + 1 end
  drop_executions(id, q)
  redis.call('HDEL', job_key(id), 'x_execution', 'x_abandoned')
  if losses > most then
    local ttl = seconds(failure_ttl, tonumber(ARGV[6]))
    fail(id, q, 'failed', ttl, ARGV[7], worker or '', e)
    local released, looked_at = release(id, 'failed', '0', budget)
    budget = budget - looked_at
    if ttl == 0 then discard(id, q, 'failed', released)
    elseif released ~= '0' then hold(id, q, 'failed', ttl) end
    return 'failed'
  end
  redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', at, 'x_abandoned', losses .. ' ' .. at)
  back[#back + 1] = id
  return 'requeued'
end

local function look_at(member, score)
  local id, e = string.match(member, '^(.*):([^:]*)$')
  if not id then id, e = member, '' end
  if lease_end(e, score) > now then return end
  local job = redis.pcall('HMGET', job_key(id), 'status', 'data', 'failure_ttl', 'worker_name', 'x_abandoned',
    'enqueued_at')
  local abandoned = job[1] == 'started' and job[2] and not live_execution(id, q)
  if not abandoned or pushable then redis.call('ZREM', KEYS[1], member) end
  if abandoned and pushable then
    answer[#answer + 1] = recover(id, e, job)
    answer[#answer + 1] = id
  end
end

for i = 10, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then look_at(ARGV[i], score) end
end
if #back > 0 then redis.call('SADD', QUEUES, queue_key(q)) end
put_at_head(q, back, ARGV[9])
return answer
`,
  ),
);

/**
 * Puts ids in the intermediate list that nobody claims back at the head of the queue, the first one foremost, once they
 * have been seen there for a while (RQ's \`first_seen\` key; RQ itself would fail the jobs). The key lives only a
 * little longer than that, so that it never speaks of an earlier visit.
 *
 * ```
 * KEYS  1 the intermediate list
 * ARGV  1 key prefix   2 queue name   3 seconds that an id may stay   4 from which on   5 how many to look at
 *       6 the job that the last call has put back, "" for none
 * reply { how many of those it looked at stay, how many have left, id that was put back, … }
 * ```
 */
export const RETURN_CAUGHT: Script = new Script(
  "return_caught",
  withPrelude(
    [TIME_LUA, JOB_LUA, LEASE_LUA, HEAD_LUA],
    `
local q, grace, from = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pushable, back = can_push(q), {}
local ids = redis.call('LRANGE', KEYS[1], from, from + ARGV[5] - 1)
local left = 0

local function look_at(id)
  local seen_key = first_seen_key(q, id)
  local seen = tonumber(redis.call('GET', seen_key) or '')
  if not seen then return redis.call('SET', seen_key, now_float, 'NX', 'EX', grace * 3) end
  if not pushable or tonumber(now_float) - seen < grace then return end
  local status, exists = field(id, 'status'), is_job(id)
  local unclaimed = exists and not live_execution(id, q)
  if exists and not unclaimed and status == 'started' then return end
  redis.call('LREM', KEYS[1], 1, id)
  redis.call('DEL', seen_key)
  left = left + 1
  if unclaimed and status ~= 'finished' and status ~= 'failed' and status ~= 'stopped' and status ~= 'canceled' then
    redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', iso())
    back[#back + 1] = id
  end
end

for _, id in ipairs(ids) do look_at(id) end
if #back > 0 then redis.call('SADD', QUEUES, queue_key(q)) end
put_at_head(q, back, ARGV[6])
return {#ids - left, left, unpack(back)}
`,
  ),
);

/**
 * Queues deferred jobs whose parents are all done: a program may have died before it released them. Those that are gone
 * leave the registry.
 *
 * ```
 * KEYS  1 the queue's deferred registry
 * ARGV  1 key prefix   2 from which on   3 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 *
 * Many have the same parents, so each is asked for once.
 */
export const PROMOTE_DEFERRED: Script = new Script(
  "promote_deferred",
  withPrelude(
    [TIME_LUA, TTL_LUA, JOB_LUA, DEPENDENTS_LUA],
    `
local statuses = {}
local function has_to_wait(c)
  local parents = redis.pcall('SMEMBERS', dependencies_key(c))
  if parents.err then return true end
  for _, parent in ipairs(parents) do
    if statuses[parent] == nil then statuses[parent] = field(parent, 'status') or 'gone' end
    local status = statuses[parent]
    if status == 'failed' then
      if field(c, 'allow_dependency_failures') ~= '1' then return true end
    elseif status ~= 'finished' then
      return true
    end
  end
  return false
end
local from, left = tonumber(ARGV[2]), 0
local children = redis.pcall('ZRANGE', KEYS[1], from, from + ARGV[3] - 1)
if children.err then return {0, 0} end
for _, c in ipairs(children) do
  if not is_job(c) then
    redis.call('ZREM', KEYS[1], c)
    left = left + 1
  elseif not has_to_wait(c) and promote(c, true) then
    left = left + 1
  end
end
return {#children - left, left}
`,
  ),
);
