/** Putting back what a worker that leaves has popped. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts what BLMOVE has popped for a worker that leaves back at the head of its queue.
 *
 * ```
 * KEYS  1 the intermediate list   2 the queue's list
 * ARGV  1 key prefix   2 job id
 * reply 1 if it was still there, else 0
 * ```
 */
export const GIVE_BACK: Script = script(
  "give_back",
  `
if redis.call('LREM', KEYS[1], 1, ARGV[2]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1
`,
);
