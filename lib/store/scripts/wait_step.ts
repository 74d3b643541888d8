/** Behind `currentJob.sleep()` and `currentJob.waitFor()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Looks whether a wait of a running job is over, for its own execution. The first look keeps when that will be; the one that
 * finds it over keeps that, too, so that a signal that comes later changes nothing.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 the execution's id   3 the field of the wait   4 how long it lasts in seconds, "" for ever
 *       5 the field of the signal that ends it, "" for none
 * reply { "signal", its token and value }   { "over" }   { "due", seconds since 1970 or "never" }
 *       { "full" } there is no room for it   { "lost" } the job is another's by now
 * ```
 */
export const WAIT_STEP: Script = script(
  "wait_step",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution', 'x_steps', ARGV[3], ARGV[5])
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[2] then return {'lost'} end
local due = h[4]
if due == 'over' then return {'over'} end
if ARGV[5] ~= '' and h[5] then return {'signal', h[5]} end
if not due then
  due = ARGV[4] == '' and 'never' or ARGV[4] + 0 > 0 and string.format('%.3f', clock + ARGV[4]) or 'over'
  if not keep_value(KEYS[1], h[3], ARGV[3], due) then return {'full'} end
elseif due ~= 'never' and tonumber(due) <= clock then
  due = 'over'
  redis.call('HSET', KEYS[1], ARGV[3], due)
end
if due == 'over' then return {due} end
return {'due', due}
`,
);
