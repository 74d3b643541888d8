/** Putting back a job that a leaving worker has popped. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts a job that BLMOVE has popped for a leaving worker back at the head of its queue.
 *
 * ```
 * KEYS  1 the intermediate list
 * ARGV  1 key prefix   2 queue name   3 job id
 * reply 1 if it was still there, else 0: or a key of the queue holds another type of value, and the sweep puts it back
 * ```
 */
export const GIVE_BACK: Script = script(
  "give_back",
  `
local q, id = ARGV[2], ARGV[3]
if not can_push(q) or redis.call('LREM', KEYS[1], 1, id) == 0 then return 0 end
push(q, true, id)
return 1
`,
);
