/** Taking jobs back whose worker has died. @module */

import type { Script } from "../../redis/script.ts";
import { ALONE_DIGIT, EXECUTION_ID_LENGTH } from "../execution_id.ts";
import { script } from "../lua/link.ts";

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
export const RECOVER: Script = script(
  "recover",
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
);
