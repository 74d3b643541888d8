/** Behind `rq-worker doctor`: keys and ids that are left of jobs that are gone, and jobs that are nowhere. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Finds keys that are left of jobs that are gone, and that would stay for ever; if wanted, deletes them.
 *
 * ```
 * KEYS  1 … keys, each of one job
 * ARGV  1 key prefix   2 "mend", or "look"   3 … the ids of these jobs
 * reply the positions of those that are left
 * ```
 */
export const DROP_STRAYS: Script = script(
  "drop_strays",
  `
local found = {}
for i, key in ipairs(KEYS) do
  local id = ARGV[i + 2]
  if redis.call('EXISTS', job_key(id)) == 0 and redis.call('TTL', key) == -1 then
    found[#found + 1] = i
    if ARGV[2] == 'mend' then redis.call('DEL', key) end
  end
end
return found
`,
);

/**
 * Finds ids in a registry of jobs that are gone; if wanted, removes them.
 *
 * ```
 * KEYS  1 the registry
 * ARGV  1 key prefix   2 "mend", or "look"   3 … ids
 * reply those of jobs that are gone
 * ```
 */
export const DROP_GHOSTS: Script = script(
  "drop_ghosts",
  `
local found = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('EXISTS', job_key(id)) == 0 then
    found[#found + 1] = id
    if ARGV[2] == 'mend' then redis.pcall('ZREM', KEYS[1], id) end
  end
end
return found
`,
);

/**
 * Finds jobs that are not in the registry of their status, and so would not be found, run or removed by anybody. Those that
 * wait on a queue or for a rate limit are not looked for: that takes too long. Changes nothing.
 *
 * ```
 * KEYS  1 … the hashes of jobs
 * ARGV  1 key prefix   2 … their ids
 * reply for each that is nowhere: its id, its status
 * ```
 */
export const FIND_LOST: Script = script(
  "find_lost",
  `
local found = {}
for i, key in ipairs(KEYS) do
  local id = ARGV[i + 1]
  local h = redis.pcall('HMGET', key, 'status', 'origin', 'x_execution')
  local status, q = h[1], h[2]
  local registry = status and q and not h.err and REGISTRY[status]
  if registry then
    local place = registry_key(registry, q)
    local is_there = redis.pcall('ZSCORE', place, id)
    if registry == 'wip' and not is_there then -- a lease, ours, or one of RQ's, which records its executions
      is_there = h[3] and redis.pcall('ZSCORE', place, id .. ':' .. h[3]) or redis.call('EXISTS', executions_key(id)) == 1
    end
    if not is_there and redis.call('TTL', key) == -1 then
      found[#found + 1] = id
      found[#found + 1] = status
    end
  end
end
return found
`,
);
