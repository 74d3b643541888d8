/** Deleting the turns of a queue. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Takes jobs that wait for their turn off a queue that is deleted. The jobs themselves stay, as those on its list do.
 *
 * ```
 * KEYS  1 the limits by which jobs of the queue take turns
 * ARGV  1 key prefix   2 queue name   3 how many jobs one call may take off
 * reply 1 if there are more, call again; else 0
 * ```
 */
export const DROP_TURNS: Script = script(
  "drop_turns",
  `
local left = whole(ARGV[3])
if left == 0 then error('no number of jobs: ' .. ARGV[3]) end
local turns = redis.pcall('SRANDMEMBER', KEYS[1], 50)
if turns.err then return 0 end
for _, turn in ipairs(turns) do
  if left > 0 then
    local removed = redis.pcall('ZREMRANGEBYRANK', rate_limited_key(turn), 0, left - 1)
    if type(removed) == 'number' then left = left - removed else redis.call('SREM', KEYS[1], turn) end
    if redis.call('EXISTS', rate_limited_key(turn)) == 0 then redis.call('DEL', allowed_key(turn)) end
    forget_turn(turn, ARGV[2])
  end
end
return redis.call('EXISTS', KEYS[1])
`,
);
