/** Behind `queue.pause()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Pauses a queue: no worker of ours claims its jobs. A pause that it has already is replaced.
 *
 * ```
 * KEYS  1 the hash of paused queues
 * ARGV  1 key prefix   2 queue name   3 for how many seconds, "inf" until it is resumed
 * reply when it ends, in seconds since 1970, or "inf"
 * ```
 */
export const PAUSE: Script = script(
  "pause",
  `
local seconds_left, ends = tonumber(ARGV[3]), 'inf'
if seconds_left < math.huge then ends = string.format('%.3f', clock + seconds_left) end
redis.call('HDEL', KEYS[1], ARGV[2]) -- a full Redis accepts it, and then lets the script go on
redis.call('HSET', KEYS[1], ARGV[2], ends)
return ends
`,
);
