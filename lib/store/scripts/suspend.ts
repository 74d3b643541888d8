/** Behind `suspend()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Suspends all workers, as RQ does. A suspension that there is already is replaced.
 *
 * ```
 * KEYS  1 RQ's key
 * ARGV  1 key prefix   2 for how many milliseconds, "" until somebody resumes
 * reply OK
 * ```
 */
export const SUSPEND: Script = script(
  "suspend",
  `
-- DEL first: a full Redis accepts it, and then lets the script go on
redis.call('DEL', KEYS[1])
if ARGV[2] == '' then return redis.call('SET', KEYS[1], 1) end
return redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
`,
);
