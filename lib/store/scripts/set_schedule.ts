/** Behind `schedules.pause()` and `schedules.resume()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Pauses a schedule, lets a paused one go on, or marks one as broken.
 *
 * ```
 * KEYS  1 the schedule's hash
 * ARGV  1 key prefix   2 the schedule's name   3 "pause", "resume" or "break"   4 the next slot after a pause, or why it is
 *       broken
 * reply "done"   "gone" there is no such schedule   "unfit" a key holds another type of value
 * ```
 */
export const SET_SCHEDULE: Script = script(
  "set_schedule",
  `
local name, what, detail = ARGV[2], ARGV[3], ARGV[4]
local schedule = get_schedule(name)
if not schedule then return 'gone' end
if not schedule_fits(name) then return 'unfit' end
if what == 'resume' then
  redis.call('HDEL', KEYS[1], 'broken')
  if redis.call('HDEL', KEYS[1], 'paused') == 1 then set_slot(name, detail) end
  return 'done'
end
if what == 'break' then redis.call('HSET', KEYS[1], 'broken', detail)
else redis.call('HSET', KEYS[1], 'paused', 1) end
set_slot(name, '+inf')
return 'done'
`,
);
