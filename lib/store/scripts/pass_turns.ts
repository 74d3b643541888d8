/** Giving on turns of fair keys that nobody has given on. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** Up to which length a list is searched for jobs that are said to be on it. */
const SEARCHED = 1_000;

/**
 * Gives on the turns of jobs that are not queued any more: a Python worker has started them, which gives nothing on; or they
 * are gone, or taken off the queue, without a word. Deletes the limits of keys without jobs.
 *
 * ```
 * KEYS  1 the limits by which jobs of the queue take turns   2 the queue's list   3 its intermediate list
 * ARGV  1 key prefix   2 queue name   3 the cursor   4 how many limits to look at, roughly
 * reply { the cursor to go on from, "0" at the end, how many jobs got the turn, how many wait for one that is queued }
 * ```
 */
export const PASS_TURNS: Script = script(
  "pass_turns",
  `
local q, page = ARGV[2], redis.pcall('SSCAN', KEYS[1], ARGV[3], 'COUNT', ARGV[4])
if page.err then return {'0', 0, 0} end

-- The ids on a list, or nothing if it is too long to look.
local function ids_of(list)
  local length = redis.pcall('LLEN', list)
  if type(length) ~= 'number' or length > ${SEARCHED} then return nil end
  return redis.call('LRANGE', list, 0, -1)
end

-- Whether a job is on its queue, as far as that can be seen.
local queued = nil
local function is_queued(id)
  if not queued then
    local ids, popped = ids_of(KEYS[2]), ids_of(KEYS[3])
    queued = {all = not ids or not popped}
    for _, list in ipairs({ids or {}, popped or {}}) do
      for _, other in ipairs(list) do queued[other] = true end
    end
  end
  return queued.all or queued[id]
end

-- Whether a job keeps the turn: "queued", or "limited" if it waits for a slot of its own limit.
local function keeps(id, turn)
  local job = get_job(id)
  if not job.data or turn_of(job) ~= turn then return nil end
  if job.status == 'queued' then return is_queued(id) and 'queued' end
  local limit = job.status == 'rate_limited' and limit_of(job)
  return limit and redis.pcall('ZSCORE', rate_limited_key(limit), id) and 'limited'
end

local passed, waiting = 0, 0
local function look_at(turn)
  local keeper
  for _, id in ipairs(redis.call('ZRANGE', allowed_key(turn), 0, 99)) do
    local kept = keeps(id, turn)
    if kept then keeper = kept else redis.call('ZREM', allowed_key(turn), id) end
  end
  local before = redis.call('ZCARD', rate_limited_key(turn))
  if keeper and before > 0 then
    if keeper == 'queued' then waiting = waiting + before end
    return
  end
  if not keeper then next_turn(turn, q) end
  passed = passed + before - redis.call('ZCARD', rate_limited_key(turn))
end

for _, turn in ipairs(page[2]) do
  if turn_fits(turn, q) then look_at(turn) end
end
return {page[1], passed, waiting}
`,
);
