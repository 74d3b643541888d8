/** Fields of a worker's hash. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Writes fields of a worker's hash, if it belongs to this instance.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 instance   then fields and values
 * reply 1 if written, else 0
 * ```
 */
export const SET_WORKER_FIELDS: Script = script(
  "set_worker_fields",
  `
if redis.call('HGET', KEYS[1], 'x_instance') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
`,
);
