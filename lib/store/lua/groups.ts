/**
 * Groups of jobs. RQ has a set of the ids of a group's members (`rq/group.py`), and their hashes name the group. Beside it
 * stand keys of ours: a hash with the counts and callbacks, the set of the members that have not ended ("open"), and a
 * sorted set of those who are adding members ("holds").
 *
 * Each member is counted in one state: `open`, a status with which it has ended, or `gone`. Its hash says in which
 * (`x_grouped`), so that no end is counted twice, and one that is counted may begin anew. If the hash is gone, the set of
 * the open members says whether its end has been counted.
 *
 * Where a key holds another type of value, only the counts of this group suffer: nothing here throws.
 *
 * @module
 */

import {
  GROUP_COUNTS,
  INNER_GROUP,
  LOOK_SECONDS,
  MAX_DEPTH,
} from "../group_rules.ts";

const names = GROUP_COUNTS.map((name) => `'${name}'`).join(", ");

/** See {@linkcode link}. */
export const GROUPS_LUA: string = `
-- What a member may be counted as, apart from "open".
local COUNTED = {${
  GROUP_COUNTS.filter((name) => name !== "total")
    .map((name) => `${name} = true`).join(", ")
}}

-- Groups to which this call has added jobs, and that it has not found complete since: most of the work is the same for all.
local joined = {}

-- Whether jobs can be added to a group: nil if there is no such group, false if a key of it holds another type of value.
local function group_fits(g) -- rare
  if joined[g] then return true end
  if redis.call('EXISTS', group_state_key(g), group_key(g)) == 0 then return nil end
  return holds_only('set', group_key(g)) and holds_only('hash', group_state_key(g)) and holds_only('set', group_open_key(g))
end

-- Counts a member of a group in another state than before, which is nil for one that has not been counted yet. If the counts
-- have expired since then, they begin anew.
local function recount(g, member, was, is)
  if was == is then return end
  local key, open = group_state_key(g), group_open_key(g)
  if was == 'open' then redis.pcall('SREM', open, member)
  elseif COUNTED[was] and redis.call('EXISTS', key) == 1 then redis.pcall('HINCRBY', key, was, -1)
  else redis.pcall('HINCRBY', key, 'total', 1) end
  if is == 'open' then redis.pcall('SADD', open, member) else redis.pcall('HINCRBY', key, is, 1) end
end

-- Has a worker look at a group that is not complete.
local function look_again(g, at, only_if)
  redis.pcall('ZADD', OPEN_GROUPS, only_if or 'CH', at, g) -- "CH": in any case
end

-- Keeps a group, and has it looked after: a member has not ended, or somebody adds some. Neither is the group that it belongs
-- to complete.
local function open_group(g)
  for _ = 1, ${MAX_DEPTH} do
    local key = group_state_key(g)
    local h = redis.pcall('HMGET', key, 'parent', 'x_grouped')
    redis.pcall('HDEL', key, 'ended_at')
    redis.pcall('PERSIST', key)
    look_again(g, now + ${LOOK_SECONDS})
    if not h[1] or h[2] == 'open' then return end
    recount(h[1], '${INNER_GROUP}' .. g, h[2], 'open')
    redis.pcall('HSET', key, 'x_grouped', 'open')
    g = h[1]
  end
end

-- Adds a job to a group, or opens it again; "was" is what it is counted as. The caller writes x_grouped.
local function join_group(g, id, was) -- rare
  redis.pcall('SADD', group_key(g), id)
  recount(g, id, was, 'open')
  if joined[g] then return end
  joined[g] = true
  redis.pcall('SADD', GROUPS, g)
  if redis.pcall('SCARD', group_open_key(g)) == 1 then open_group(g) end
end

-- An ended member that begins anew has not ended.
local function rejoin_group(job)
  local g = job.group_id
  if not g or not COUNTED[job.x_grouped] then return end
  redis.call('HSET', job_key(job.id), 'x_grouped', 'open')
  join_group(g, job.id, job.x_grouped)
end

-- Takes a job that is gone out of RQ's set.
local function drop_member(g, id)
  local key, was_there = group_state_key(g), redis.pcall('SREM', group_key(g), id) == 1
  if was_there and redis.call('EXISTS', key) == 1 then redis.pcall('HINCRBY', key, 'removed', 1) end
end

-- The counts of a group by their names, and how many members it has that were not counted: RQ has added them.
local function counts_of(g)
  local h, counts = redis.pcall('HMGET', group_state_key(g), 'removed', ${names}), {}
  for i, name in ipairs({${names}}) do counts[name] = tonumber(h[i + 1] or 0) or 0 end
  local open, members = redis.pcall('SCARD', group_open_key(g)), redis.pcall('SCARD', group_key(g))
  counts.open = tonumber(open) or 0
  return counts, (tonumber(members) or 0) - counts.total + (tonumber(h[1] or 0) or 0)
end

-- Whether all members of a group have ended, and nobody is adding any; and its counts.
local function is_complete(g)
  local counts, unknown = counts_of(g)
  if counts.open > 0 or redis.pcall('ZCOUNT', group_holds_key(g), now, '+inf') ~= 0 then return false, counts end
  if unknown > 0 then -- let a worker look at once
    look_again(g, now)
    return false, counts
  end
  return counts.total > 0 or redis.pcall('HEXISTS', group_state_key(g), 'filled') == 1, counts
end
`;
