/** Behind `job.cancel()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Cancels a job in any state. A worker that runs it is told over its channel, and
 * loses the lease: it kills the job and records nothing. Its dependents go on or end as their edges say, or go on in any
 * case.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 failure ttl in seconds for jobs without one of their own
 *       4 token of this call   5 "enqueue" if its dependents no longer wait for it   6 "forget" if those that it waits for are
 *       to forget it
 * reply { "canceled", status before, the cursor to release further dependents from, "0" for none }   { "already" }   { "gone" }
 *       { "unfit" } the key of the queue's canceled registry holds another type of value
 * ```
 *
 * The hash keeps the token, so that the same call, repeated, gets the same answer.
 */
export const CANCEL: Script = script(
  "cancel",
  `
local id = ARGV[2]
local job = get_job(id, 'x_change')
if not job.data then return {'gone'} end
local before = job.status
if before == 'canceled' then
  local token, earlier = string.match(job.x_change or '', '^(%S+) (%S*)$')
  local held = redis.pcall('HEXISTS', RELEASING, id) == 1
  if token == ARGV[4] then return {'canceled', earlier, held and 'begin' or '0'} end
  return {'already'}
end
if ARGV[5] == 'enqueue' then job.dependents = 'enqueue' end
if not cancel_job(job, ARGV[4], seconds(ARGV[3], -1)) then return {'unfit'} end
if ARGV[6] == 'forget' then forget_parents(id) end
return {'canceled', before, job.cursor}
`,
);
