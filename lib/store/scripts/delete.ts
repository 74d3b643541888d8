/** Behind `job.delete()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Removes a job and everything that is stored of it, its results included.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id
 * reply { "deleted", status before }   { "gone" }
 * ```
 */
export const DELETE: Script = script(
  "delete",
  `
local id = ARGV[2]
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'worker_name')
local status, q = h[1] or '', h[2] or ''
redis.call('LREM', queue_key(q), 1, id)
for _, parent in ipairs(redis.call('SMEMBERS', dependencies_key(id))) do
  redis.call('SREM', dependents_key(parent), id)
end
forget(id, q, is_held(id))
if status == 'started' and h[3] then
  redis.call('PUBLISH', channel(h[3]), cjson.encode({command = 'stop-job', job_id = id}))
end
return {'deleted', status}
`,
);
