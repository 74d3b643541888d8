/** Behind `registry.clear()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Deletes jobs of one place and everything that is stored of them. Their dependents go on or end as their edges say. An id
 * that does not belong into the registry any more only leaves it.
 *
 * ```
 * KEYS  1 the place: a registry, or a queue's list
 * ARGV  1 key prefix   2 queue name   3 the statuses of jobs that are in that place, with spaces around each   4 … ids of jobs
 * reply { how many were deleted, 1 if some have dependents that are still to be released }
 * ```
 */
export const DELETE_MANY: Script = script(
  "delete_many",
  `
local deleted, held = 0, 0
for i = 4, #ARGV do
  local job = get_job(ARGV[i])
  if job.data and job.q == ARGV[2] and string.find(ARGV[3], ' ' .. job.status .. ' ', 1, true) then
    leave(job)
    remove(job)
    stop_run(job)
    deleted = deleted + 1
    if (job.cursor or '0') ~= '0' then held = 1 end
  else
    redis.pcall('ZREM', KEYS[1], ARGV[i])
  end
end
return {deleted, held}
`,
);
