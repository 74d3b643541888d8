/** Behind `group.delete()`. @module */

import type { Script } from "../../redis/script.ts";
import { INNER_GROUP } from "../group_rules.ts";
import { script } from "../lua/link.ts";

/**
 * Takes some jobs out of a group that is to be deleted; deletes it if none is left. The jobs stay, and the group that it belongs to counts it as gone.
 *
 * ```
 * KEYS  1 the hash of the group   2 the set of its jobs   3 the set of its open members   4 who holds it
 * ARGV  1 key prefix   2 group id   3 how many jobs one call may take out
 * reply how many jobs were taken out; call again until 0
 * ```
 */
export const LEAVE_GROUP: Script = script(
  "leave_group",
  `
local g = ARGV[2]
local h = redis.pcall('HMGET', KEYS[1], 'parent', 'x_grouped')
local ids = redis.pcall('SPOP', KEYS[2], ARGV[3])
if ids.err then ids = {} end
for _, id in ipairs(ids) do
  redis.pcall('SREM', KEYS[3], id)
  if field(id, 'group_id') == g then redis.call('HDEL', job_key(id), 'group_id', 'x_grouped') end
end
if #ids > 0 then return #ids end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.pcall('ZREM', OPEN_GROUPS, g)
redis.pcall('SREM', GROUPS, g)
wake('${INNER_GROUP}' .. g, 'deleted')
if h[1] and h[2] == 'open' then
  recount(h[1], '${INNER_GROUP}' .. g, 'open', 'gone')
  settle_group(h[1])
end
return 0
`,
);
