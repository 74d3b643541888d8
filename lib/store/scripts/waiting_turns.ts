/** Showing who waits for a turn. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Tells by which limits jobs of a queue wait for their turn, and how many. It changes nothing.
 *
 * ```
 * KEYS  1 the limits by which jobs of the queue take turns
 * ARGV  1 key prefix   2 the cursor   3 how many limits to look at, roughly
 * reply { the cursor to go on from, "0" at the end, then for each limit by which jobs wait: its name, how many wait }
 * ```
 */
export const WAITING_TURNS: Script = script(
  "waiting_turns",
  `
local page = redis.pcall('SSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
if page.err then return {'0'} end
local reply = {page[1]}
for _, turn in ipairs(page[2]) do
  local count = redis.pcall('ZCARD', rate_limited_key(turn))
  if type(count) == 'number' and count > 0 then
    reply[#reply + 1] = turn
    reply[#reply + 1] = count
  end
end
return reply
`,
);
