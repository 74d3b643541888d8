/** Behind `job.requeue()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts a failed or stopped job back on its queue, or among those that wait for a slot of its rate limit, as if it had just
 * been enqueued.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 "L" for the head, "R" for the tail   4 token of this call
 * reply { "requeued", enqueued_at }   { "not failed", status }   { "gone" }
 *       { "held", id, key } another job has taken its unique key
 *       { "unfit", "" } a key of the queue holds another type of value
 * ```
 */
export const REQUEUE: Script = script(
  "requeue",
  `
local id = ARGV[2]
local job = get_job(id, 'x_change', 'enqueued_at', 'started_at', 'created_at', 'x_unique_how')
if not job.data then return {'gone'} end
if job.x_change == ARGV[4] then return {'requeued', job.enqueued_at or ''} end
if job.status ~= 'failed' and job.status ~= 'stopped' then return {'not failed', job.status} end
if not job.origin or not can_admit(job) then return {'unfit', ''} end
local holder = job.x_unique and taken_from(job)
if holder then return {'held', holder.id, job.x_unique} end
leave(job)
if job.started_at then redis.call('HSETNX', KEYS[1], 'x_attempts', 1) end -- a first start is seen by started_at alone
redis.call('HDEL', KEYS[1], 'started_at', 'ended_at', 'x_execution', 'x_abandoned', 'x_decided_by')
keep(id, -1)
admit(job, nil, ARGV[3] == 'L', 'x_change', ARGV[4])
if job.x_unique then hold_again(job) end
rejoin_group(job)
return {'requeued', field(id, 'enqueued_at') or ''}
`,
);
