/** Finding jobs whose worker may have died. @module */

import type { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { script } from "../lua/link.ts";

/**
 * Finds expired leases. RECOVER decides whether their jobs are abandoned.
 *
 * ```
 * KEYS  1 the queue's started registry
 * ARGV  1 key prefix   2 from which member on   3 how many to look at
 * reply { how many were looked at, member, order, … }   members sorted by their order are as they left the queue
 * ```
 *
 * They are ordered by the time of the claim, and within one claim by the execution's id: a job that was claimed earlier
 * was nearer to the head of the queue.
 */
export const EXPIRED_LEASES: Script = script(
  "expired_leases",
  `
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now + ${LEASE_MARGIN}, 'WITHSCORES',
  'LIMIT', ARGV[2], ARGV[3])
local answer = {#found / 2}
for i = 1, #found, 2 do
  local id, e = parts_of(found[i])
  if lease_end(e, found[i + 1]) <= now then
    answer[#answer + 1] = found[i]
    answer[#answer + 1] = (field(id, 'started_at') or '') .. ' ' .. e
  end
end
return answer
`,
);
