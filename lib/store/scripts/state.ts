/** Reads a job's state. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Reads a job's status and its latest result at the same moment.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its results
 * ARGV  1 key prefix
 * reply { 1 if there is such a job, status or "", the latest entry or nothing }
 * ```
 */
export const STATE: Script = script(
  "state",
  `
local exists = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HEXISTS', KEYS[1], 'data')
local status = exists == 1 and redis.call('HGET', KEYS[1], 'status') or ''
local latest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {exists == 1 and 1 or 0, status or '', latest[1]}
`,
);
