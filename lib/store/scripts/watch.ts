/** Switching events on. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Has scripts write events from now on, for some seconds. Who watches repeats it in time. The stream lives twice as long,
 * and is created here, so that none without an expiry is left behind.
 *
 * ```
 * KEYS  1 what exists while somebody watches   2 the stream of events
 * ARGV  1 key prefix   2 for how many seconds
 * reply { the id of the first entry, the id of the last one, 1 if somebody has watched until now, else 0 }
 * ```
 */
export const WATCH: Script = script(
  "watch",
  `
local before = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], 1, 'EX', ARGV[2])
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('XADD', KEYS[2], '*', 'event', 'watched') end
redis.call('EXPIRE', KEYS[2], 2 * ARGV[2])
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {first[1][1], last[1][1], before}
`,
);
