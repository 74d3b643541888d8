/** Behind `job.cancel()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Withdraws a job, wherever it is. The worker that runs it is told over its channel
 * and loses the lease: it kills the job and records nothing.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 failure ttl in seconds for jobs without one of their own
 *       4 token of this call
 * reply { "canceled", status before }   { "already" }   { "gone" }
 * ```
 *
 * The hash keeps the token, so that a second sending of the call gets the same answer.
 */
export const CANCEL: Script = script(
  "cancel",
  `
local id = ARGV[2]
if not is_job(id) then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'worker_name', 'failure_ttl', 'x_change')
local status, q = h[1] or '', h[2] or ''
if status == 'canceled' then
  local token, before = string.match(h[5] or '', '^(%S+) (%S*)$')
  if token == ARGV[4] then return {'canceled', before} end
  return {'already'}
end
redis.call('LREM', queue_key(q), 1, id)
unregister(id, q, {'finished', 'failed', 'deferred', 'scheduled'})
drop_executions(id, q)
redis.call('HSET', KEYS[1], 'status', 'canceled', 'x_change', ARGV[4] .. ' ' .. status)
redis.call('HDEL', KEYS[1], 'x_execution')
register(id, q, 'canceled', now)
wake(id, 'canceled')
wake_children(id)
local ttl = seconds(h[4], tonumber(ARGV[3]))
keep(id, ttl == 0 and 60 or ttl) -- long enough to be seen
if status == 'started' and h[3] then
  redis.call('PUBLISH', channel(h[3]), cjson.encode({command = 'stop-job', job_id = id}))
end
return {'canceled', status}
`,
);
