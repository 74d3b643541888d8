/** Dropping expired ids from registries. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Drops ids of expired results and failures. Those that are kept for ever, with a score of -1 or +inf, stay.
 *
 * ```
 * KEYS  … registries of finished or failed jobs
 * ARGV  1 key prefix   2 how many ids one call may drop
 * reply how many were dropped; if it is as many as that, call again
 * ```
 */
export const DROP_EXPIRED: Script = script(
  "drop_expired",
  `
local left = tonumber(ARGV[2])
for _, key in ipairs(KEYS) do
  local due = redis.pcall('ZCOUNT', key, 0, time[1])
  if type(due) == 'number' and due > 0 and left > 0 then
    local first = redis.call('ZCOUNT', key, '-inf', '(0')
    left = left - redis.call('ZREMRANGEBYRANK', key, first, first + math.min(due, left) - 1)
  end
end
return ARGV[2] - left
`,
);
