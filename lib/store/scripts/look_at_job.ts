/** Reads what is watched of a job. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Reads what is watched of a job, together with the last event: those after it are later than what was read.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of events
 * ARGV  1 key prefix
 * reply { the id of the last entry or "", milliseconds since 1970, 1 if there is such a job, its status, the worker, its progress, the note to that }
 * ```
 */
export const LOOK_AT_JOB: Script = script(
  "look_at_job",
  `
local last = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local id = last[1] and last[1][1] or ''
local ms = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {id, ms, 0} end
local h = redis.call('HMGET', KEYS[1], 'data', 'status', 'worker_name', 'x_progress', 'x_progress_note')
return {id, ms, h[1] and 1 or 0, h[2] or '', h[3] or '', h[4] or '', h[5] or ''}
`,
);
