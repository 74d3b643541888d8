/** Finding slots of rate limits that nobody has freed. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Frees slots of jobs that are neither queued nor running: expired ones, or such whose Python worker died before it
 * freed them. As in RQ, a job that was canceled or deleted while it ran keeps its slot until its execution is over.
 * Free slots go to jobs that wait, and a limit without jobs is deleted.
 *
 * ```
 * KEYS  1 the jobs that have a slot
 * ARGV  1 key prefix   2 the key of the limit   3 from which on   4 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 */
export const CLEAN_LIMIT: Script = script(
  "clean_limit",
  `
local limit, from = ARGV[2], tonumber(ARGV[3])
if not limit_fits(limit) then return {0, 0} end

local function needs_slot(id)
  local h = redis.pcall('HMGET', job_key(id), 'status', 'rate_limit_key')
  if (h[1] == 'queued' or h[1] == 'started') and h[2] == limit then return true end
  local running = redis.pcall('ZCOUNT', executions_key(id), '(' .. now, '+inf')
  return type(running) == 'number' and running > 0
end

local ids, left = redis.call('ZRANGE', KEYS[1], from, from + ARGV[4] - 1), 0
for _, id in ipairs(ids) do
  if not needs_slot(id) then left = left + redis.call('ZREM', KEYS[1], id) end
end
fill_slots(limit, concurrency_of(limit))
if redis.call('EXISTS', KEYS[1], rate_limited_key(limit)) == 0 then
  redis.call('DEL', limit_key(limit))
  redis.call('SREM', LIMITS, limit)
end
return {#ids - left, left}
`,
);
