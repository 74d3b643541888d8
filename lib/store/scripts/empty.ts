/** Behind `queue.empty()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Deletes up to so many jobs at the head of a queue, then of those that wait for turns.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 queue name   3 how many one call may remove   4 … limits by which jobs wait for their turn
 * reply how many were removed; call again until 0
 * ```
 */
export const EMPTY: Script = script(
  "empty",
  `
local ids = redis.call('LPOP', KEYS[1], ARGV[3]) or {}
for i = 4, #ARGV do
  local waiting, left = rate_limited_key(ARGV[i]), ARGV[3] - #ids
  for _, id in ipairs(left > 0 and redis.pcall('ZRANGE', waiting, 0, left - 1) or {}) do
    redis.call('ZREM', waiting, id)
    ids[#ids + 1] = id
  end
end
for _, id in ipairs(ids) do
  local job = get_job(id)
  if job.status ~= 'started' then
    if REGISTRY[job.status] then leave(job) end -- its queue it has left
    remove(job)
  end
end
return #ids
`,
);
