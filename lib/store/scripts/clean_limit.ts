/** Finding slots of rate limits that nobody has freed. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Frees slots of jobs that are neither queued nor running: expired ones, or such whose Python worker died before it
 * freed them. Free slots go to jobs that wait, and a limit without jobs or recent starts is deleted.
 *
 * ```
 * KEYS  1 the jobs that have a slot
 * ARGV  1 key prefix   2 the key of the limit   3 from which on   4 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 */
export const CLEAN_LIMIT: Script = script(
  "clean_limit",
  `
local limit = ARGV[2]
if not limit_fits(limit) then return {0, 0} end
local stay, left = clean_slots(limit, tonumber(ARGV[3]), tonumber(ARGV[4]))
local rule, q = limit_rule(limit), waiting_on(limit)
if q then heed_conflicts(limit, q) end
fill_slots(limit, rule)
local used = redis.call('EXISTS', KEYS[1], rate_limited_key(limit)) > 0 or
  rule.starts and starts_left(limit, rule) < rule.starts
if not used then
  redis.call('DEL', limit_key(limit), starts_key(limit))
  redis.call('SREM', LIMITS, limit)
end
return {stay, left}
`,
);
