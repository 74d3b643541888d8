/** Recording all other ends. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { END, LARGE_PAYLOAD, placesLua } from "../records.ts";

/**
 * Records ends of executions of any kind, each only if its job still belongs to the execution.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name
 *       3 "idle" if the worker has no other job in hand, else "busy"; "" if it may have claimed others since
 *       4 earlier ends that may be sent again with these
 *       5 MessagePack: a list of ends, each a record END
 * reply for each end two elements:
 *       "finished" | "failed" | "stopped" | "requeued" | "released" | "asleep" | "retried" | "scheduled", the cursor to
 *       release further dependents from, "0" for none
 *       "stuck", "0" it cannot be put back, since a key of the queue holds another type of value
 *       "lost", "0" the lease is gone, nothing was written   "gone", "0" the job was deleted
 * ```
 *
 * Dependents are released in the same step. A failed job with retries left (RQ's `retries_left`, `retry_intervals`)
 * goes back to its queue or to the scheduled registry, and so does a finished one with repeats left. A repeated call gets
 * the same answers: the job's hash still names the execution, which has no lease any more; for jobs that are not kept, or
 * begin anew, the worker's hash stores the answer. An execution that somebody has asked to stop (STOP) ends as stopped, unless
 * it has finished.
 *
 * An end with a large payload, which comes alone, gets the error OOM where Redis is full; all others are recorded even then.
 */
export const SETTLE: Script = script(
  "settle",
  `${placesLua(END)}
local worker, state = ARGV[2], ARGV[3]
local registered = redis.call('TYPE', KEYS[1]).ok == 'hash'
local good, bad, worked, mine = 0, 0, 0, 0

local function answered_before(job, x)
  local e, outcome, status = x[EXECUTION], x[OUTCOME], job.x_execution == x[EXECUTION] and job.status
  local answer = registered and remembered_answer(KEYS[1], e)
  if answer then return answer end
  if status == outcome then return status end
  if status == 'queued' and outcome == 'requeued' then return 'requeued' end
  if (status == 'queued' or status == 'rate_limited') and outcome == 'failed' then return 'retried' end
  if status == 'scheduled' and outcome == 'failed' then return 'scheduled' end
  return 'lost'
end

-- The hash is the fence: whoever takes a job away changes it. If only the lease is missing, another program's clean-up
-- has dropped it (RQ before 2.0 takes the member for an id without a job), and nothing is lost.
local function not_mine(job, x)
  local id, e, q = job.id, x[EXECUTION], x[QUEUE]
  if type(redis.pcall('ZSCORE', registry_key('wip', q), id .. ':' .. e)) == 'string' then
    drop_execution(id, q, e, worker)
    if job.data then -- also if Python has canceled it, which removes neither our lease nor the slot of its rate limit
      if has_ended(job.status) then free_slot(job) end
      return 'lost'
    end
    remember(e, 'gone')
    return 'gone'
  end
  local answer = answered_before(job, x)
  -- it may still be in the worker's set of executions, which Python's cancel leaves alone
  if answer == 'lost' or answer == 'gone' then redis.pcall('SREM', worker_executions_key(worker), id .. ':' .. e) end
  local is_held = redis.pcall('HEXISTS', RELEASING, id) == 1
  if is_held or answer == 'finished' and redis.call('EXISTS', dependents_key(id)) == 1 then job.cursor = 'begin' end
  return answer
end

-- The end of an execution that somebody has asked to stop is that of a stopped job, unless it has finished.
local function heed_stop(job, x)
  if job.x_stop ~= x[EXECUTION] or x[OUTCOME] == 'finished' then return end
  if x[OUTCOME] ~= 'failed' and x[OUTCOME] ~= 'stopped' then x[TTL], x[PAYLOAD] = stopped_ttl(job), stopped_text() end
  x[OUTCOME], x[RETRY] = 'stopped', ''
end

local function settle(job, x)
  if job.x_stop then heed_stop(job, x) end
  if job.status ~= 'started' or job.x_execution ~= x[EXECUTION] then return not_mine(job, x) end
  job.q = x[QUEUE]
  local wish = {how = x[RETRY], after = x[RETRY_IN], max = x[RETRY_MAX], random = x[RANDOM]}
  local answer, retry = outcome_of(job, x[OUTCOME], wish)
  local due = answer == 'asleep' and wake_of(job, x[PAYLOAD]) or nil
  if answer == 'stuck' or answer == 'asleep' and not can_admit(job, due) then return 'stuck' end
  -- The first write of most ends frees memory, and is therefore taken by a Redis that is full, as is then all that follows.
  -- What is large has to ask: this write changes nothing, and is refused, and with it the call, where there is no room.
  if #x[PAYLOAD] >= ${LARGE_PAYLOAD} then redis.call('HSET', job_key(job.id), 'status', job.status) end
  leave(job)
  mine = mine + 1
  if x[OUTCOME] == 'finished' then good = good + 1
  elseif x[OUTCOME] == 'failed' or x[OUTCOME] == 'stopped' then bad = bad + 1 end
  if answer ~= 'requeued' then worked = worked + (tonumber(x[WORKED_SECONDS]) or 0) end
  local ttl, text = tonumber(x[TTL]), x[PAYLOAD]
  local run = {worker = worker, e = x[EXECUTION], attempt = x[ATTEMPT], worked = x[WORKED_SECONDS], facts = {}}
  for i = FACTS, #x do run.facts[i - FACTS + 1] = x[i] end
  if answer == 'finished' then succeed(job, x[TTL], text, x[TEXT_FROM], x[TEXT_TO], run)
  elseif answer == 'stopped' then fail(job, answer, 3, ttl, text, run)
  elseif answer == 'failed' then fail(job, answer, wish.how == 'again' and 5 or 2, ttl, text, run)
  elseif retry then try_again(job, retry, ttl, text, run)
  elseif answer == 'released' then put_back(job, ttl)
  elseif answer == 'asleep' then fall_asleep(job, due)
  else
    enter(job, 'queued', true, 'enqueued_at', iso()) -- was admitted before, and still has the slot of its rate limit
  end
  if job.removed or job.again or answer == 'released' or answer == 'asleep' then remember(x[EXECUTION], answer) end
  return answer
end

local reply = {}
for i, x in ipairs(cmsgpack.unpack(ARGV[5])) do
  local job = get_job(x[JOB_ID], 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry',
    'number_of_retries', 'x_retry_jitter', 'x_attempts', 'x_stop', 'failure_ttl')
  reply[2 * i - 1] = settle(job, x)
  reply[2 * i] = job.cursor or '0'
end
if registered then
  write_remembered(KEYS[1], tonumber(ARGV[4]))
  if mine > 0 or state == 'idle' then show_ends(KEYS[1], state, good, bad, worked) end
end
return reply
`,
);
