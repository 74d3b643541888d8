/** Dropping canceled jobs that are gone. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Drops ids of canceled jobs that are gone. Their scores are when they were canceled, not when they expire.
 *
 * ```
 * KEYS  1 the queue's canceled registry
 * ARGV  1 key prefix   2 from which on   3 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 */
export const DROP_CANCELED: Script = script(
  "drop_canceled",
  `
local from = tonumber(ARGV[2])
local ids = redis.pcall('ZRANGE', KEYS[1], from, from + ARGV[3] - 1)
if ids.err then return {0, 0} end
local left = 0
for i = 1, #ids, 100 do
  local keys = {}
  for k = i, math.min(i + 99, #ids) do keys[#keys + 1] = job_key(ids[k]) end
  if redis.call('EXISTS', unpack(keys)) < #keys then
    for k, key in ipairs(keys) do
      if redis.call('EXISTS', key) == 0 then left = left + redis.call('ZREM', KEYS[1], ids[i + k - 1]) end
    end
  end
end
return {#ids - left, left}
`,
);
