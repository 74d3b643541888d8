/** Keeping a group open while members are added to it. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Keeps a group from being complete for some seconds, or lets go of it: then it may be complete.
 *
 * ```
 * KEYS  1 the hash of the group   2 the set of its jobs   3 who holds it
 * ARGV  1 key prefix   2 group id   3 token of who holds it   4 for how many seconds, 0 to let go
 * reply "held"   "released"   "gone"
 * ```
 */
export const HOLD_GROUP: Script = script(
  "hold_group",
  `
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return 'gone' end
local g, ttl = ARGV[2], tonumber(ARGV[4])
if ttl == 0 then
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('HSET', KEYS[1], 'filled', 1)
  settle_group(g)
  return 'released'
end
redis.call('ZADD', KEYS[3], now + ttl, ARGV[3])
redis.call('EXPIRE', KEYS[3], ttl + 1)
open_group(g)
return 'held'
`,
);
