/** Behind `queue.freeUnique()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Frees a unique key, whoever holds it. The job itself stays as it is.
 *
 * ```
 * KEYS  none
 * ARGV  1 key prefix   2 queue name   3 the key
 * reply 1 if a job held it, else 0
 * ```
 */
export const FREE_UNIQUE: Script = script(
  "free_unique",
  `
local name = unique_name(ARGV[2], ARGV[3])
local holder = holder_of(name)
drop_unique(name)
return holder and 1 or 0
`,
);
