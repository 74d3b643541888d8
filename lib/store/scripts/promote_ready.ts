/** Queueing what a dead Python worker has left in RQ's ready registry. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Queues jobs whose parents are done and that a Python worker was about to enqueue; it may have died in between. A worker
 * that is still at it watches the registry and lets go of them. Drops those that are gone.
 *
 * ```
 * KEYS  1 the queue's ready registry
 * ARGV  1 key prefix   2 from which on   3 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 */
export const PROMOTE_READY: Script = script(
  "promote_ready",
  `
local from, left = tonumber(ARGV[2]), 0
local ids = redis.pcall('ZRANGE', KEYS[1], from, from + ARGV[3] - 1)
if ids.err then return {0, 0} end
for _, id in ipairs(ids) do
  local job = get_job(id, 'enqueue_at_front', 'x_due')
  local due, is_ready = tonumber(job.x_due or ''), job.data and job.origin and job.status == 'ready_to_enqueue'
  if not is_ready or can_admit(job, due) then
    redis.call('ZREM', KEYS[1], id)
    left = left + 1
    if is_ready then admit(job, due, job.enqueue_at_front == '1') end
  end
end
return {#ids - left, left}
`,
);
