/** Reads which schedules are due. @module */

import { MAX_DELAY } from "../../base/timers.ts";
import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Finds the schedules whose next slot has come. A name without a schedule is dropped.
 *
 * ```
 * KEYS  1 the names of all schedules
 * ARGV  1 key prefix   2 how many it looks at, less one
 * reply { the server's time in seconds, milliseconds until the next slot that has not come, -1 if it has seen none, then
 *       for each that is due: its name, slot, timing, first slot, and what is missed }
 * ```
 */
export const DUE_SCHEDULES: Script = script(
  "due_schedules",
  `
local first = redis.call('ZRANGE', KEYS[1], 0, ARGV[2], 'WITHSCORES')
local reply, gone = {now_float, -1}, {}
for i = 1, #first, 2 do
  local name, slot = first[i], tonumber(first[i + 1])
  if slot > clock then
    if slot < math.huge then reply[2] = math.min(math.ceil((slot - clock) * 1000), ${MAX_DELAY}) end
    break
  end
  local h = redis.pcall('HMGET', schedule_key(name), 'timing', 'start', 'missed', 'id')
  if h[4] then
    for _, value in ipairs({name, first[i + 1], h[1] or '', h[2] or '', h[3] or ''}) do reply[#reply + 1] = value end
  else gone[#gone + 1] = name end
end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
return reply
`,
);
