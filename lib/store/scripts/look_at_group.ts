/** Looking at a group: what it counts, and what nobody has counted. @module */

import type { Script } from "../../redis/script.ts";
import { GROUP_COUNTS, INNER_GROUP, LOOK_SECONDS } from "../group_rules.ts";
import { script } from "../lua/link.ts";

/**
 * Tells what a group counts. Before that, it looks at some members, the next ones with each call, for what nobody has counted:
 * jobs that Python's RQ has added or ended, and those that are gone, such as jobs whose time in the queue is over. It also
 * tries again what could not be enqueued.
 *
 * ```
 * KEYS  1 the hash of the group   2 the set of its jobs   3 the set of its open members
 * ARGV  1 key prefix   2 group id   3 at how many members to look
 * reply { 1 if there is such a group, when it was complete or "", milliseconds since 1970, 1 if its members are to be canceled,
 *         how many members are not counted yet, how many are open, then as many numbers as GROUP_COUNTS has names }
 * ```
 */
export const LOOK_AT_GROUP: Script = script(
  "look_at_group",
  `
local g, ms = ARGV[2], time[1] .. string.format('%03d', math.floor(time[2] / 1000))

local function look_at_inner(member)
  local inner = string.sub(member, ${INNER_GROUP.length + 1})
  if redis.pcall('HGET', group_state_key(inner), 'parent') ~= g then recount(g, member, 'open', 'gone') end
end

-- Reads less than get_job() does, since it is called often.
local function member_job(id)
  local h = redis.pcall('HMGET', job_key(id), 'status', 'group_id', 'x_grouped', 'repeats_left', 'repeat_intervals')
  return {status = h[1] or '', group_id = h[2], x_grouped = h[3], repeats_left = h[4], repeat_intervals = h[5]}
end

local function look_at(member)
  if string.find(member, '^${INNER_GROUP}') then return look_at_inner(member) end
  local job = member_job(member)
  if job.group_id ~= g or job.status == '' and not is_job(member) then
    drop_member(g, member)
    if redis.pcall('SISMEMBER', KEYS[3], member) == 1 then recount(g, member, 'open', 'gone') end
    return
  end
  local goes_on = not has_ended(job.status) or job.status == 'finished' and next_repeat(job)
  local is = goes_on and 'open' or job.status
  if job.x_grouped == is then return end
  if goes_on then join_group(g, member, job.x_grouped) else recount(g, member, job.x_grouped, is) end
  redis.call('HSET', job_key(member), 'x_grouped', is)
end

-- Looks at some members of a set, from where the last look has ended.
local function look_into(set, name)
  local from = redis.pcall('HGET', KEYS[1], name)
  local page = redis.pcall('SSCAN', set, type(from) == 'string' and from or '0', 'COUNT', ARGV[3])
  if page.err then return end
  for _, member in ipairs(page[2]) do look_at(member) end
  if page[1] == '0' then redis.pcall('HDEL', KEYS[1], name) else redis.pcall('HSET', KEYS[1], name, page[1]) end
end

if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
  redis.pcall('ZREM', OPEN_GROUPS, g)
  return {0}
end
look_again(g, now + ${LOOK_SECONDS}, 'XX')
look_into(KEYS[3], 'cursor')
local _, unknown = counts_of(g)
if unknown > 0 then look_into(KEYS[2], 'rq_cursor') end
settle_group(g)
local counts, left = counts_of(g)
local ended_at, canceling = unpack(redis.pcall('HMGET', KEYS[1], 'ended_at', 'canceling'))
return {1, ended_at or '', ms, canceling and 1 or 0, math.max(left, 0), counts.open, ${
    GROUP_COUNTS.map((name) => `counts.${name}`).join(", ")
  }}
`,
);
