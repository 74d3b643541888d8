/** Behind `job.save()` of a job that is not stored yet. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Stores a job without putting it anywhere, as RQ's `Job.create().save()` does. ENQUEUE_CREATED does the rest.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the name of its queue   4 created_at   5 data
 *       then names of further fields, and their values
 * reply { "created" }   { "duplicate", status } the id is taken
 *       { "refused" } the job's key holds another type of value
 * ```
 *
 * An ended job of the same id is replaced, unless the id has to be unique. Sent again, it finds the hash that it has written, whatever has become of it.
 */
export const CREATE: Script = script(
  "create",
  `
local id, q = ARGV[2], ARGV[3]
local given = {created_at = ARGV[4], data = ARGV[5]}
for i = 6, #ARGV, 2 do given[ARGV[i]] = ARGV[i + 1] end
local answer, old_queue = look_up(id, given, {q = q})
if answer then
  local is_own = answer.enqueued_at -- and has been enqueued since
  return {is_own and 'created' or answer.outcome, answer.status}
end
if old_queue then replace_ended(id, old_queue) end
redis.call('HSET', KEYS[1], 'origin', q, 'status', 'created', 'created_at', ARGV[4], 'data', ARGV[5], unpack(ARGV, 6))
tell({id = id, q = q}, 'created')
return {'created'}
`,
);
