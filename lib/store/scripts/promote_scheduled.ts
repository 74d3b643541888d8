/** Queueing scheduled jobs. @module */

import { MAX_DELAY } from "../../base/timers.ts";
import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** How many rate-limited jobs one call handles: each takes as long as four others. */
const MOST_LIMITED = 60;

/**
 * Queues the scheduled jobs of one queue that are due, in the order of their time; those that are rate limited wait for a slot.
 *
 * ```
 * KEYS  1 the queue's scheduled registry   2 the lock that RQ's schedulers share
 * ARGV  1 key prefix   2 queue name   3 how many one call looks at
 * reply { how many it took out of the registry, how many of them were queued, milliseconds until the next one is due,
 *       -1 if there is none }
 *       { 0, -1, -1 } a Python scheduler holds the lock   { 0, -2, -1 } a key of the queue holds another type of value
 * ```
 *
 * RQ's scheduler reads and moves in two steps, for which it needs a lock. This is one step, which any number of workers
 * may do without a lock; it leaves a queue to a scheduler that holds RQ's lock.
 */
export const PROMOTE_SCHEDULED: Script = script(
  "promote_scheduled",
  `
local q, tail, moved, limited, left = ARGV[2], {}, 0, 0, {}

local function next_due()
  local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if not head[2] then return -1 end
  return math.max(0, math.min(math.ceil((head[2] - now_float) * 1000), ${MAX_DELAY}))
end

local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_float, 'LIMIT', 0, ARGV[3])
if #ids == 0 then return {0, 0, next_due()} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {0, -1, -1} end
if not can_push(q) then return {0, -2, -1} end

-- Where a key of its limit holds another type of value, it is tried again a minute later.
local function wait_in_limit(id, limit, front)
  local job = {id = id, q = q, status = 'scheduled', rate_limit_key = limit}
  leave(job)
  if limit_fits(limit) then return admit(job, nil, front) end
  admit(job, now + 60)
end

local jobs = {}
for i, id in ipairs(ids) do
  if limited == ${MOST_LIMITED} then break end
  local h = redis.pcall('HMGET', job_key(id), 'status', 'enqueue_at_front', 'enqueue_at_front_on_retry', 'ended_at',
    'data', 'rate_limit_key')
  local is_due, front = h[1] == 'scheduled' and h[5], h[2] == '1' or h[3] == '1' and h[4]
  local limit = is_due and h[6] ~= '' and h[6]
  if is_due then moved = moved + 1 end
  if limit then limited = limited + 1 else left[#left + 1] = id end
  jobs[i] = {id = id, is_due = is_due, front = front, limit = limit}
end
-- the first write: a full Redis accepts it, since it frees memory, and then lets the script go on
if #left > 0 then unregister('scheduled', q, unpack(left)) end
for _, job in ipairs(jobs) do
  if job.limit then wait_in_limit(job.id, job.limit, job.front)
  elseif job.is_due then
    redis.call('HSET', job_key(job.id), 'status', 'queued', 'enqueued_at', iso())
    tell({id = job.id, q = q}, 'queued')
    if job.front then push(q, true, job.id) else tail[#tail + 1] = job.id end
  end
end
if #tail > 0 then push(q, false, unpack(tail)) end
return {#jobs, moved, next_due()}
`,
);
