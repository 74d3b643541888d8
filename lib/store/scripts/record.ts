/** What a running job writes into its own hash. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Writes fields of a running job for its own execution.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the execution's id   then fields and values
 * reply 1 if written, 0 if the job is another's by now
 * ```
 */
export const RECORD: Script = script(
  "record",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution', 'origin')
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[3] then return 0 end
local fields = {unpack(ARGV, 4)}
redis.call('HSET', KEYS[1], unpack(fields))
if fields[1] == 'x_progress' and is_watched() then tell_progress(ARGV[2], h[3] or '', fields[2], fields[4] or '') end
return 1
`,
);
