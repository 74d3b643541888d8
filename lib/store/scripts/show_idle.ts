/** Showing that a worker is idle. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Shows that a worker is idle, if its hash belongs to this instance.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 instance
 * reply 1 if written, else 0
 * ```
 */
export const SHOW_IDLE: Script = script(
  "show_idle",
  `
if redis.call('HGET', KEYS[1], 'x_instance') ~= ARGV[2] then return 0 end
-- HDEL first: a full Redis accepts it, and then lets the script go on
redis.call('HDEL', KEYS[1], 'current_job', 'current_job_working_time')
redis.call('HSET', KEYS[1], 'state', 'idle')
return 1
`,
);
