/** Cleaning the index of tags. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Drops jobs that do not exist any more from the index of tags, as far as it is time to look at them.
 *
 * ```
 * KEYS  1 all tags, scored with the first look that one of their jobs needs
 * ARGV  1 key prefix   2 how many tags to look at   3 how many jobs
 * reply 1 if there may be more to do, else 0
 * ```
 */
export const CLEAN_TAGS: Script = script(
  "clean_tags",
  `
local most = tonumber(ARGV[2])
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return 0 end
local room, tags = tonumber(ARGV[3]), redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most)
for _, tag in ipairs(tags) do
  if room < 1 then return 1 end
  local key = tag_key_of(tag)
  local ids = redis.pcall('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, room)
  room = room - #ids
  for _, id in ipairs(ids) do
    local at = next_look(id)
    if at then redis.call('ZADD', key, at, id) else redis.call('ZREM', key, id) end
  end
  local first = redis.pcall('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then redis.call('ZADD', KEYS[1], first[2], tag) else redis.call('ZREM', KEYS[1], tag) end
end
return #tags == most and 1 or 0
`,
);
