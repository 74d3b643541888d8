/** Behind `rq-worker info`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Counts the jobs of queues. It changes nothing: jobs whose time to be kept is over are not counted, although their ids may
 * still be there.
 *
 * ```
 * KEYS  1 … the lists of the queues
 * ARGV  1 key prefix   2 … the names of the queues
 * reply for each queue: jobs on its list, started, finished, failed, deferred, scheduled, canceled, and by how many limits
 *       jobs may wait for their turn; 0 for a key of another type
 * ```
 */
export const QUEUE_COUNTS: Script = script(
  "queue_counts",
  `
local reply = {}
local function add(...)
  local sum = 0
  for _, count in ipairs({...}) do sum = sum + (type(count) == 'number' and count or 0) end
  reply[#reply + 1] = sum
end
for i, list in ipairs(KEYS) do
  local q = ARGV[i + 1]
  add(redis.pcall('LLEN', list))
  add(redis.pcall('ZCARD', registry_key('wip', q)))
  for _, name in ipairs({'finished', 'failed'}) do
    -- those that are kept for ever have a negative score, or an infinite one
    local key = registry_key(name, q)
    add(redis.pcall('ZCOUNT', key, '-inf', '(0'), redis.pcall('ZCOUNT', key, '(' .. now, '+inf'))
  end
  for _, name in ipairs({'deferred', 'scheduled', 'canceled'}) do
    add(redis.pcall('ZCARD', registry_key(name, q)))
  end
  add(redis.pcall('SCARD', fair_key(q)))
end
return reply
`,
);
