/** Dropping workers that have died. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Removes workers that are gone from the sets of queues, and finally from the set of all workers.
 *
 * ```
 * KEYS  1 the set of all workers, then the hashes of the workers
 * ARGV  1 key prefix   2 "all" to take them out of the set of all workers too, else ""   3 … names of queues
 * reply the keys of those that are gone indeed
 * ```
 */
export const DROP_WORKERS: Script = script(
  "drop_workers",
  `
local gone = {}
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then gone[#gone + 1] = KEYS[i] end
end
if #gone == 0 then return gone end
for i = 3, #ARGV do redis.pcall('SREM', queue_workers_key(ARGV[i]), unpack(gone)) end
if ARGV[2] == 'all' then redis.call('SREM', KEYS[1], unpack(gone)) end
return gone
`,
);
