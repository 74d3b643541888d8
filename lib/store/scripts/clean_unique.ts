/** Dropping unique keys that nobody has freed. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Drops unique keys of jobs that are gone, or that a Python worker has ended. They keep nobody from anything: this frees
 * their memory. A key that is still held is looked at again later.
 *
 * ```
 * KEYS  1 the sorted set of unique keys, by when they are to be looked at
 * ARGV  1 key prefix   2 how many to look at
 * reply { how many it looked at, how many were dropped }; if it looked at as many as that, call again
 * ```
 */
export const CLEAN_UNIQUE: Script = script(
  "clean_unique",
  `
local names, dropped = redis.pcall('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2]), 0
if names.err then return {0, 0} end
for _, name in ipairs(names) do
  if holder_of(name) then look_later(name)
  else
    drop_unique(name)
    dropped = dropped + 1
  end
end
return {#names, dropped}
`,
);
