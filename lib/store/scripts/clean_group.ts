/** Dropping jobs that are gone from groups. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Looks at some jobs of a group, at random, and drops those that are gone; RQ's list of groups forgets a group of which none is
 * left, and its hash is kept for its time from then on.
 *
 * ```
 * KEYS  1 the set of its jobs   2 the hash of the group
 * ARGV  1 key prefix   2 group id   3 at how many jobs to look
 * reply how many were dropped
 * ```
 *
 * At random, since nothing has to be kept between two calls, and where few are gone, a few may stay for a while.
 */
export const CLEAN_GROUP: Script = script(
  "clean_group",
  `
local g, dropped = ARGV[2], 0
local ids, keys = redis.pcall('SRANDMEMBER', KEYS[1], ARGV[3]), {}
for i, id in ipairs(ids) do keys[i] = job_key(id) end
if #ids > 0 and redis.call('EXISTS', unpack(keys)) < #ids then
  for i, id in ipairs(ids) do
    if redis.call('EXISTS', keys[i]) == 0 then
      drop_member(g, id)
      if redis.pcall('SISMEMBER', group_open_key(g), id) == 1 then recount(g, id, 'open', 'gone') end
      dropped = dropped + 1
    end
  end
end
local has_jobs = redis.call('EXISTS', KEYS[1]) == 1
if not has_jobs then redis.pcall('SREM', GROUPS, g) end
if (dropped > 0 or not has_jobs) and redis.call('EXISTS', KEYS[2]) == 1 then settle_group(g) end
return dropped
`,
);
