/** Releasing the dependents of a job that has very many. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Continues to release the dependents of a job that has very many. The job is kept until that is done; only then its
 * time to live begins, or it is deleted, or repeated. If it is deleted meanwhile, its dependents are released all the same.
 *
 * ```
 * KEYS  1 the hash of the parents that are being released
 * ARGV  1 key prefix   2 id of the parent
 *       3 how it has ended: "finished" | "failed" | "stopped" | "canceled" | "deleted"; or what its end asks to do with its
 *       dependents: "enqueue" (it is canceled), "delete" (it is deleted)
 *       4 the cursor
 * reply the cursor to go on from, "0" at the end
 * ```
 *
 * Jobs that end with their parent may have dependents themselves, and so on; then they may be held in their turn.
 */
export const RELEASE_DEPENDENTS: Script = script(
  "release_dependents",
  `
local id, job, how = ARGV[2], get_job(ARGV[2]), ARGV[3]
local held = redis.pcall('HGET', KEYS[1], id)
if type(held) ~= 'string' then held = nil end
local goes_on = job.status == '' or job.status == how or job.status == 'canceled' -- it may be canceled or deleted meanwhile
if not goes_on then -- it was requeued, or the id is another job's
  if held then redis.call('HDEL', KEYS[1], id) end
  return '0'
end
local cursor = release(id, how, ARGV[4])
end_doomed()
if cursor ~= '0' or not held then return cursor end
local ttl, q = string.match(held, '^%S+ (%S+) (.*)$')
ttl = seconds(ttl, 0)
job.q = q or ''
local again = job.status == 'finished' and next_repeat(job)
if again and not can_admit(job, clock + again.interval) then return '0' end -- a sweep tries again
redis.call('HDEL', KEYS[1], id)
if again then repeat_ended(job, 'finished')
elseif job.status == '' then redis.call('DEL', dependents_key(id))
elseif ttl == 0 then remove(job)
else for _, key in ipairs({job_key(id), dependents_key(id)}) do expire(key, ttl) end end
return '0'
`,
);
