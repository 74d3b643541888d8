/** Behind `queue.empty()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Deletes up to so many jobs at the head of a queue.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 queue name   3 how many one call may remove
 * reply how many were removed; call again until 0
 * ```
 */
export const EMPTY: Script = script(
  "empty",
  `
local ids = redis.call('LPOP', KEYS[1], ARGV[3])
if not ids then return 0 end
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
