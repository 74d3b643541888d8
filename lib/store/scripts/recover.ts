/** Recovering jobs whose worker has died. @module */

import type { Script } from "../../redis/script.ts";
import { ALONE_DIGIT, EXECUTION_ID_LENGTH } from "../execution_id.ts";
import { script } from "../lua/link.ts";

/**
 * Puts jobs whose lease has expired back at the head of their queue, in their order; fails those that have lost their
 * worker too often, and ends those as stopped that somebody has asked to stop. A member whose job is gone, has ended or belongs to a newer execution is only dropped.
 *
 * ```
 * KEYS  1 the queue's started registry   2 the mark of who is at it
 * ARGV  1 key prefix   2 queue name   3 the caller's token   4 milliseconds for which nobody else may, 0 if it does not come back
 *       5 times that a job may lose its worker   6 failure ttl in seconds for jobs without one of their own
 *       7 base64 of zlib: the failure text of an abandoned job
 *       8 the job that the last call has put back, "" for none   9 … members, in the order of their jobs
 * reply { "requeued" | "failed" | "stopped", job id, … }   { "busy", "" } somebody else is at it: two would mix up the order
 * ```
 */
export const RECOVER: Script = script(
  "recover",
  `
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then return {'busy', ''} end
-- pcall: a full Redis refuses it; there, two may mix up the order
if ARGV[4] == '0' then redis.call('DEL', KEYS[2]) else redis.pcall('SET', KEYS[2], ARGV[3], 'PX', ARGV[4]) end
local q, most = ARGV[2], tonumber(ARGV[5])
local pushable = can_push(q)
local back, answer = {}, {}

-- The losses of a job, including this one. It counts only if the job had its worker for itself: a suspect, or a job
-- whose execution's id says so. Otherwise the job only becomes a suspect. The count holds for one stay in the queue,
-- identified by enqueued_at.
local function losses_of(job, e)
  local count, since = string.match(job.x_abandoned or '', '^(%d+) (%S+)$')
  local suspect = count and since == job.enqueued_at
  local alone = suspect or #e ~= ${EXECUTION_ID_LENGTH} or string.sub(e, 1, 1) == '${ALONE_DIGIT}'
  return (suspect and whole(count) or 0) + (alone and 1 or 0)
end

local function recover(job, e)
  local losses = losses_of(job, e)
  leave(job)
  if job.x_stop == e then
    end_stopped(job, e)
    return 'stopped'
  end
  redis.call('HDEL', job_key(job.id), 'x_execution', 'x_abandoned')
  if losses > most then
    local run = {worker = job.worker_name or '', e = e, attempt = math.max(whole(job.x_attempts), 1)}
    fail(job, 'failed', 2, seconds(job.failure_ttl, tonumber(ARGV[6])), ARGV[7], run)
    return 'failed'
  end
  redis.call('HSET', job_key(job.id), 'status', 'queued', 'enqueued_at', iso(), 'x_abandoned', losses .. ' ' .. iso())
  back[#back + 1] = job.id
  return 'requeued'
end

local function look_at(member, score)
  local id, e = parts_of(member)
  if lease_end(e, score) > now then return end
  local job = get_job(id, 'x_abandoned', 'enqueued_at', 'failure_ttl', 'x_attempts', 'x_stop')
  job.q = q
  local abandoned = job.status == 'started' and job.data and not live_execution(id, q, job.x_execution)
  if not abandoned or pushable and e ~= job.x_execution then unregister('wip', q, member) end
  if abandoned and pushable then
    answer[#answer + 1] = recover(job, e)
    answer[#answer + 1] = id
  end
end

for i = 9, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then look_at(ARGV[i], score) end
end
push_in_order(q, back, ARGV[8])
if is_watched() then write_event('queued', q, back) end
return answer
`,
);
