/** Behind `job.save()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Writes fields of an existing job.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   then fields and values
 * reply 1 if written, 0 if there is no such job
 * ```
 */
export const SET_FIELDS: Script = script(
  "set_fields",
  `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'data') == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
`,
);
