/** Putting back jobs that were popped and never claimed. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts ids that have been in the intermediate list for some time back at the head of the queue, in their order. RQ's
 * `first_seen` key tells since when (RQ itself would fail the jobs); it expires soon after, so that it never dates
 * from an earlier visit.
 *
 * ```
 * KEYS  1 the intermediate list
 * ARGV  1 key prefix   2 queue name   3 seconds that an id may stay   4 from which on   5 how many to look at
 *       6 the job that the last call has put back, "" for none
 * reply { how many of those it looked at stay, how many have left, id that was put back, … }
 * ```
 */
export const RETURN_POPPED: Script = script(
  "return_popped",
  `
local q, grace, from = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pushable, back = can_push(q), {}
local ids = redis.call('LRANGE', KEYS[1], from, from + ARGV[5] - 1)
local left = 0

local function look_at(id)
  local seen_key = first_seen_key(q, id)
  local text = redis.pcall('GET', seen_key)
  local seen = type(text) == 'string' and tonumber(text)
  -- pcall: a full Redis refuses it, which must not keep back those that were seen before
  if not seen then return redis.pcall('SET', seen_key, now_float, 'EX', grace * 3) end
  if not pushable or clock - seen < grace then return end
  local job = get_job(id)
  local running = job.data and live_execution(id, q, job.x_execution)
  if running and job.status == 'started' then return end
  redis.call('LREM', KEYS[1], 1, id)
  redis.call('DEL', seen_key)
  left = left + 1
  -- one that waits for a slot of its rate limit is pushed when it gets one
  if job.data and not running and not has_ended(job.status) and job.status ~= 'rate_limited' then
    if REGISTRY[job.status] then leave(job) end -- its queue it has left
    redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', iso())
    back[#back + 1] = id
  end
end

for _, id in ipairs(ids) do look_at(id) end
push_in_order(q, back, ARGV[6])
if is_watched() then write_event('queued', q, back) end
return {#ids - left, left, unpack(back)}
`,
);
