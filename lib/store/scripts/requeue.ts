/** Behind `job.requeue()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts a failed or stopped job back on its queue, as if it had just been enqueued.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 "L" for the head, "R" for the tail   4 token of this call
 * reply { "requeued", enqueued_at }   { "not failed", status }   { "gone" }
 *       { "unfit", "" } a key of the queue holds another type of value
 * ```
 */
export const REQUEUE: Script = script(
  "requeue",
  `
local id = ARGV[2]
if not is_job(id) then return {'gone'} end
local h = redis.call('HMGET', KEYS[1], 'status', 'origin', 'x_change', 'enqueued_at', 'started_at')
if h[3] == ARGV[4] then return {'requeued', h[4]} end
if h[1] ~= 'failed' and h[1] ~= 'stopped' then return {'not failed', h[1] or ''} end
if not h[2] or not can_push(h[2]) then return {'unfit', ''} end
redis.call('ZREM', registry_key('failed', h[2]), id)
if h[5] then redis.call('HSETNX', KEYS[1], 'x_attempts', 1) end -- a first start is seen by started_at alone
redis.call('HDEL', KEYS[1], 'started_at', 'ended_at', 'x_execution', 'x_abandoned')
for _, key in ipairs({KEYS[1], dependents_key(id), dependencies_key(id), results_key(id)}) do
  redis.call('PERSIST', key)
end
redis.call('HSET', KEYS[1], 'x_change', ARGV[4])
push(id, h[2], ARGV[3] == 'L')
return {'requeued', redis.call('HGET', KEYS[1], 'enqueued_at')}
`,
);
