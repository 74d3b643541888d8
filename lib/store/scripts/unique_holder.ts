/** Behind `queue.uniqueHolder()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Looks up the job that holds a unique key.
 *
 * ```
 * KEYS  none
 * ARGV  1 key prefix   2 queue name   3 the key
 * reply the job's id, or nil if the key is free
 * ```
 */
export const UNIQUE_HOLDER: Script = script(
  "unique_holder",
  `
local holder = holder_of(unique_name(ARGV[2], ARGV[3]))
return holder and holder.id
`,
);
