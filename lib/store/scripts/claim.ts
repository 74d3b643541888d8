/** Claiming jobs. @module */

import type { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { script } from "../lua/link.ts";
import {
  CLAIM_REPLY,
  CLAIMED,
  listLua,
  placesLua,
  SKIPPED,
} from "../records.ts";

/**
 * Claims the next jobs: pops them, marks them as started and leases them, in one step.
 * A job that BLMOVE has popped into an intermediate list goes back to its queue first, and is then claimed in its turn.
 *
 * ```
 * KEYS  1 the worker's hash
 *       then for each queue in order of priority: its list
 * ARGV  1 key prefix   2 worker name   3 lease in seconds
 *       4 job ids that may be popped and skipped in one call
 *       5 number of jobs wanted   6 number of further jobs to prefetch, of the first queue only
 *       7 what the ids of the worker's executions begin with
 *       8 the number of its first execution of this claim, with which the id goes on
 *       9 what to do with a suspect: "free" take it, the worker has nothing else in hand; "stop" in front of it; "pass" it over
 *       10 number n of queues   11 … 10+n their names
 *       then pairs of queue name and job id: what was popped, in order of priority
 * reply MessagePack: CLAIM_REPLY. Its kind is
 *       "jobs" if there are any; else "empty"; "more" it has popped its share, call again
 *       "suspect" there are none but suspects, which are not to be taken now
 *       "suspended" all workers are   "unregistered" the worker's hash is gone
 *       "repeated" this claim was carried out before: RECLAIM gives its jobs
 * ```
 *
 * A paused queue is skipped, and is told with the reason "paused" and no job id.
 *
 * Ids are dropped if the job does not exist (expired, deleted), must not run any more, or is run by another worker. A
 * suspect, which may have killed its last worker, is never claimed together with others, since they would die with the
 * next one: only a worker with nothing else in hand takes it, alone. A suspect that is passed over keeps its place. The
 * worker's hash stores the claim and its leases, to recognize a repeated call. `x_attempts` is written from the second
 * start on.
 *
 * The reply is packed: reading it as a list would take the client longer than claiming takes Redis.
 */
export const CLAIM: Script = script(
  "claim",
  `
${placesLua(CLAIMED)}
local worker, share, claim, mode = ARGV[2], tonumber(ARGV[4]), ARGV[7] .. ARGV[8], ARGV[9]
local wanted, prefetch = tonumber(ARGV[5]), tonumber(ARGV[6])
-- what is no number is refused here, before a job has left its queue
local lease_score, first_id = string.format('%d', now + ARGV[3] + ${LEASE_MARGIN}), ARGV[8] + 0
local first_queue, first_popped = 11, 11 + tonumber(ARGV[10])
local skipped, executions, leases, in_hand, paused = {}, {}, {}, {}, nil
local suspect_met, stop = false, false -- stop: no further job is to be taken

local function reply(kind)
  return cmsgpack.pack(${
    listLua(CLAIM_REPLY, {
      kind: "kind",
      serverTime: "time[1] .. string.sub(1000000 + time[2], 2, 4)",
      skipped: "skipped",
      executions: "executions",
    })
  })
end

local function skip(q, id, reason)
  skipped[#skipped + 1] = ${
    listLua(SKIPPED, { queue: "q", jobId: "id", reason: "reason" })
  }
end

-- Leases a job, and returns the execution's id. The leases are written at the end, together.
local function lease_job(q, id)
  local e, members = ARGV[7] .. string.format('%08x', first_id + #executions), leases[q] or {}
  leases[q] = members
  members[#members + 1] = id .. ':' .. e
  in_hand[id] = true
  return e
end

-- Whether an abandoned job is a suspect that must stay on the queue now. The mark counts only until the job is enqueued
-- anew, which changes enqueued_at.
local function has_to_stay(job)
  if string.match(job.x_abandoned, ' (%S+)$') ~= job.enqueued_at then return false end
  suspect_met, stop = mode ~= 'free' or #executions > 0, mode ~= 'pass'
  return suspect_met
end

-- Starts a job, or drops its id; returns true for one that stays on the queue.
local function start(q, id)
  local job = popped_job(id, q)
  local reason = in_hand[id] and 'running' or why_not_start(job)
  if reason then return skip(q, id, reason) end
  if job.x_abandoned and has_to_stay(job) then return true end
  local why_not = job.x_rate_starts and ask_window(job, #executions >= wanted)
  if why_not == 'prefetched' then
    stop = true
    return true
  end
  if why_not then return skip(q, id, why_not) end
  local e = lease_job(q, id)
  mark_started(job, e, worker)
  executions[#executions + 1] = ${
    listLua(CLAIMED, {
      queue: "q",
      jobId: "id",
      execution: "e",
      fields: "job.hash",
    })
  }
end

-- Claims jobs of a queue until there are "most" in all.
local function take(q, list, most)
  if paused and paused[q] then return skip(q, '', 'paused') end
  local left = {}
  while not stop and #executions < most and share > 0 do
    local before = #executions
    local ids, reason = pop(q, list, math.min(most - before, share))
    if reason then skip(q, '', reason) end
    if #ids == 0 then break end
    for _, id in ipairs(ids) do
      if stop or start(q, id) then left[#left + 1] = id end
    end
    share = share - #ids + #executions - before
  end
  for i = #left, 1, -1 do redis.call('LPUSH', list, left[i]) end
end

local registered, last = unpack(redis.call('HMGET', KEYS[1], 'x_instance', 'x_claim'))
if last and string.sub(last, 1, #claim + 1) == claim .. ' ' then return reply('repeated') end

-- Jobs that BLMOVE has popped first go back to the heads of their queues, and are then claimed in their turn. Clients
-- that wait for the queues see only the result of the whole script.
for i = #ARGV - 1, first_popped, -2 do
  unpop(ARGV[i], ARGV[i + 1])
end
if not registered then return reply('unregistered') end
local count = redis.call('EXISTS', SUSPENDED, PAUSED, WATCHED)
watched = count > 0 and is_watched()
paused = count > (watched and 1 or 0) and paused_among({unpack(ARGV, first_queue, first_popped - 1)})
if paused == 'all' then return reply('suspended') end

for i = 2, #KEYS do
  take(ARGV[first_queue + i - 2], KEYS[i], i == 2 and wanted + prefetch or wanted)
end
if #executions == 0 then return reply(suspect_met and 'suspect' or share <= 0 and 'more' or 'empty') end
for q, members in pairs(leases) do
  local scored = {}
  for i, member in ipairs(members) do
    scored[2 * i - 1], scored[2 * i] = lease_score, member
  end
  redis.call('ZADD', registry_key('wip', q), unpack(scored))
  if watched then tell_of_leases('started', q, members, worker) end
end
redis.call('HSET', KEYS[1], 'state', 'busy', 'current_job', executions[#executions][JOB_ID],
  'current_job_working_time', 0, 'x_claim', claim .. ' ' .. cjson.encode(leases))
return reply('jobs')
`,
);
