/** Reading registries in pages. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * The next entries of a registry, from an offset on, or behind an entry, also if that has left meanwhile. Changes nothing.
 * Expired entries, which wait for the sweep, are left out: of finished and failed jobs, those that are kept for ever come
 * first (with a score of -1), then the expired ones, then all others.
 *
 * ```
 * KEYS  1 the registry
 * ARGV  1 key prefix   2 how many   3 "up", or "down" from the last one on   4 "expire" if its entries do
 *       5 how many to skip, or the score of the entry behind which to begin   6 that entry
 * reply a list: entry, score, …; empty at the end, and where the key holds another type of value
 * ```
 */
export const REGISTRY_PAGE: Script = script(
  "registry_page",
  `
local key, down = KEYS[1], ARGV[3] == 'down'
local size = redis.pcall('ZCARD', key)
if type(size) ~= 'number' then return {} end

local function count(from, to)
  return redis.call('ZCOUNT', key, from, to)
end

-- By bytes, as Redis sorts; Lua's "<" follows the server's locale.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- The rank that an entry has or would have, and whether it is there.
local function rank_of(score, member)
  if redis.call('ZSCORE', key, member) == score then return redis.call('ZRANK', key, member), true end
  local low, high = count('-inf', '(' .. score), count('-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if precedes(redis.call('ZRANGE', key, middle, middle)[1], member) then low = middle + 1 else high = middle end
  end
  return low, false
end

local expired = ARGV[4] == 'expire' and count(0, time[1]) or 0
local first = expired > 0 and count('-inf', '(0') or 0 -- the rank of the first expired one
local live = first + expired -- that of the first one behind them

local from
if ARGV[6] then
  local rank, is_there = rank_of(ARGV[5], ARGV[6])
  from = down and rank - 1 or is_there and rank + 1 or rank
  if from >= first and from < live then from = down and first - 1 or live end
elseif down then
  from = size - 1 - ARGV[5]
  if from < live then from = from - expired end
else
  from = tonumber(ARGV[5])
  if from >= first then from = from + expired end
end
if from < 0 or from >= size then return {} end
if not down then
  local last = from + ARGV[2] - 1
  return redis.call('ZRANGE', key, from, from < first and math.min(last, first - 1) or last, 'WITHSCORES')
end
local last = math.max(from - ARGV[2] + 1, from >= live and live or 0)
local entries, reply = redis.call('ZRANGE', key, last, from, 'WITHSCORES'), {}
for i = #entries - 1, 1, -2 do
  reply[#reply + 1] = entries[i]
  reply[#reply + 1] = entries[i + 1]
end
return reply
`,
);
