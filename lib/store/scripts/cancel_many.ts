/** Behind canceling jobs by a filter. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Cancels jobs of one place. Workers that run them are told, as by CANCEL. Their dependents go on or end as their edges say.
 *
 * ```
 * KEYS  none
 * ARGV  1 key prefix   2 queue name   3 the statuses of jobs that are in that place, with spaces around each
 *       4 failure ttl in seconds for jobs without one of their own   5 token of this call   6 … ids of jobs
 * reply { how many this call has canceled, 1 if some have dependents that are still to be released }
 * ```
 */
export const CANCEL_MANY: Script = script(
  "cancel_many",
  `
local canceled, held, ttl = 0, 0, seconds(ARGV[4], -1)
for i = 6, #ARGV do
  local job = get_job(ARGV[i], 'x_change')
  if job.data and job.q == ARGV[2] and string.find(ARGV[3], ' ' .. job.status .. ' ', 1, true) then
    if cancel_job(job, ARGV[5], ttl) then canceled = canceled + 1 end
    if (job.cursor or '0') ~= '0' then held = 1 end
  elseif job.status == 'canceled' and string.match(job.x_change or '', '^%S+') == ARGV[5] then
    canceled = canceled + 1 -- by this very call, sent again
    if redis.pcall('HEXISTS', RELEASING, ARGV[i]) == 1 then held = 1 end
  end
end
return {canceled, held}
`,
);
