/** Behind `queue.remove()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Takes a job off its queue: off its list, or from among those that wait for the turn of its fair key. The job stays, as
 * in RQ. If it was its turn, it is the turn of the next one.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 job id   3 queue name
 * reply 1 if it was there, else 0
 * ```
 */
export const TAKE_OFF: Script = script(
  "take_off",
  `
local job = get_job(ARGV[2])
if redis.call('LREM', KEYS[1], 1, ARGV[2]) > 0 then
  free_turn(job)
  return 1
end
local turn = job.status == 'rate_limited' and job.q == ARGV[3] and turn_of(job)
return turn and redis.pcall('ZREM', rate_limited_key(turn), ARGV[2]) == 1 and 1 or 0
`,
);
