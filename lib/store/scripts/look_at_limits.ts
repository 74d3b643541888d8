/** Queueing jobs whose rate limit lets them through by now. @module */

import { MAX_DELAY } from "../../base/timers.ts";
import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** After how many jobs one call looks at no further limit; each limit queues a hundred at the most. */
const MOST_JOBS = 60;

/** How many slots of each limit one call looks at. */
const MOST_SLOTS = 100;

/**
 * Looks at the rate limits of which a worker of a queue is to do so by now: their window has opened, a job with a slot has
 * expired, or one that has come to wait for a slot does something about those before it. Queues those that wait and may
 * start.
 *
 * ```
 * KEYS  1 the limits that are to be looked at, and when
 * ARGV  1 key prefix   2 queue name   3 how many limits one call looks at
 * reply { how many it looked at, how many jobs were queued, milliseconds until the next one, -1 if there is none }
 * ```
 */
export const LOOK_AT_LIMITS: Script = script(
  "look_at_limits",
  `
local looked, queued = 0, 0
if not holds_only('zset', KEYS[1]) then return {0, 0, -1} end

-- The next job that expires on its queue makes room for one that waits.
local function plan_expiry(limit)
  if not waiting_on(limit) then return end
  for _, id in ipairs(redis.call('ZRANGE', allowed_key(limit), 0, ${MOST_SLOTS} - 1)) do
    local left = redis.call('TTL', job_key(id))
    if left >= 0 then plan_look(limit, ARGV[2], clock + left + 1) end
  end
end

for _, limit in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_float, 'LIMIT', 0, ARGV[3])) do
  if queued >= ${MOST_JOBS} then break end
  redis.call('ZREM', KEYS[1], limit)
  looked = looked + 1
  if limit_fits(limit) then
    clean_slots(limit, 0, ${MOST_SLOTS})
    heed_conflicts(limit, ARGV[2])
    queued = queued + fill_slots(limit, limit_rule(limit))
    plan_expiry(limit)
  end
end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not head[2] then return {looked, queued, -1} end
return {looked, queued, math.max(0, math.min(math.ceil((head[2] - clock) * 1000), ${MAX_DELAY}))}
`,
);
