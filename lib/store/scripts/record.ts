/** What a running job writes into its own hash. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Writes fields of a running job for its own execution.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 the execution's id   then fields and values
 * reply 1 if written, 0 if the job is another's by now
 * ```
 */
export const RECORD: Script = script(
  "record",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution')
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
`,
);
