/** Behind `registry.count()`, `has()` and `timeOf()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * How many entries a registry has, and the score of one. Changes nothing. Expired entries, which wait for the sweep, do not
 * count.
 *
 * ```
 * KEYS  1 the registry
 * ARGV  1 key prefix   2 "expire" if its entries do   3 … the entries that are asked for
 * reply { how many, then the first of these that is there and its score, if there is one }
 * ```
 */
export const REGISTRY_FACTS: Script = script(
  "registry_facts",
  `
local size = redis.pcall('ZCARD', KEYS[1])
if type(size) ~= 'number' then return {0} end
local expires = ARGV[2] == 'expire'
if expires then size = size - redis.call('ZCOUNT', KEYS[1], 0, time[1]) end
for i = 3, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local number = tonumber(score or '')
  local is_expired = expires and number and number >= 0 and number <= now
  if score and not is_expired then return {size, ARGV[i], score} end
end
return {size}
`,
);
