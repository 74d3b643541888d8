/** Queueing deferred jobs that nobody has released. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Queues deferred jobs whose parents are all done, and ends those that are not to run because of one: a program may have
 * died before that, or it is Python's and does not know our policies. Drops those that are gone.
 *
 * ```
 * KEYS  1 the queue's deferred registry
 * ARGV  1 key prefix   2 from which on   3 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 *
 * Many have the same parents, so each parent is read once. If more are to end than one call may do, they stay for the next
 * pass.
 */
export const PROMOTE_DEFERRED: Script = script(
  "promote_deferred",
  `
local from, left, known = tonumber(ARGV[2]), 0, {}
local children = redis.pcall('ZRANGE', KEYS[1], from, from + ARGV[3] - 1)
if children.err then return {0, 0} end
for _, c in ipairs(children) do
  if not is_job(c) then
    redis.call('ZREM', KEYS[1], c)
    left = left + 1
  elseif promote(c, nil, nil, true, known) then
    left = left + 1
  end
end
end_doomed()
return {#children - left, left}
`,
);
