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
local job = get_job_to_requeue(id)
if not job.data then return {'gone'} end
if job.x_change == ARGV[4] then return {'requeued', job.enqueued_at or ''} end
if job.status ~= 'failed' and job.status ~= 'stopped' then return {'not failed', job.status} end
local what, detail = requeue_job(job, ARGV[3] == 'L', ARGV[4])
if what == 'held' then return {'held', detail, job.x_unique} end
return {what, what == 'requeued' and redis.call('HGET', KEYS[1], 'enqueued_at') or ''}
`,
);
