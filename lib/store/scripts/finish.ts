/** Recording plain successes. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { END, placesLua } from "../records.ts";

/**
 * Records plain successes: the result is kept, no job waits for this one, and at most a slot of a rate limit becomes free. Nearly all ends are plain. Any other end,
 * or one of an execution that has lost its job, is left untouched for SETTLE.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name   3 "idle" if the worker has no other job in hand, else "busy"
 *       4 MessagePack: a list of ends, each a record END
 * reply "finished", if that is so of all of them; else for each end "finished" | "left"
 * ```
 *
 * What is the same for all ends is done once, which leaves four commands for each. A result contains only what RQ needs
 * to read it, type and value; worker and time are in the job's hash, and would take a tenth of the job's memory.
 */
export const FINISH: Script = script(
  "finish",
  `${placesLua(END)}
local registered = redis.call('TYPE', KEYS[1]).ok == 'hash'
local ends, answers, keys, dependents = cmsgpack.unpack(ARGV[4]), {}, {}, {}
for i, x in ipairs(ends) do
  local key = job_key(x[JOB_ID])
  local h = redis.pcall('HMGET', key, 'status', 'x_execution')
  answers[i] = 'left'
  -- "finished": this very end, recorded by an earlier call whose reply was lost
  if h[2] == x[EXECUTION] and (h[1] == 'started' or h[1] == 'finished') then
    answers[i] = 'finished'
    keys[i] = h[1] == 'started' and key
    dependents[#dependents + 1] = dependents_key(x[JOB_ID])
  end
end
local count = #dependents > 0 and redis.call('EXISTS', WATCHED, unpack(dependents)) or 0
watched = count > 0 and redis.call('EXISTS', WATCHED) == 1
if count > (watched and 1 or 0) then
  for i, x in ipairs(ends) do
    if redis.call('EXISTS', dependents_key(x[JOB_ID])) == 1 then answers[i], keys[i] = 'left', false end
  end
end

local leases, good, worked = {}, 0, 0
for i, x in ipairs(ends) do
  if keys[i] then
    local members = leases[x[QUEUE]] or {}
    leases[x[QUEUE]] = members
    members[#members + 1] = x[JOB_ID] .. ':' .. x[EXECUTION]
    good, worked = good + 1, worked + (tonumber(x[WORKED_SECONDS]) or 0)
  end
end
-- the first write: a full Redis accepts it, since it frees memory, and then lets the script go on
for q, members in pairs(leases) do unregister('wip', q, unpack(members)) end

local finished, slots, scores, at = {}, {}, {}, iso()
local function record(key, x)
  local id, ttl = x[JOB_ID], x[TTL]
  redis.call('HSET', key, 'status', 'finished', 'ended_at', at)
  if not scores[ttl] then -- as texts: Redis takes its time over numbers
    scores[ttl] = ttl == '-1' and '+inf' or string.format('%d', now + ttl)
  end
  add_success(id, ttl, x[PAYLOAD], x[TEXT_FROM], x[TEXT_TO], ARGV[2], x[EXECUTION], x[ATTEMPT], x[WORKED_SECONDS])
  local members = finished[x[QUEUE]] or {}
  finished[x[QUEUE]] = members
  local n = #members
  members[n + 1], members[n + 2] = scores[ttl], id
  expire(key, ttl)
  if x[IS_CHILD] == '1' then expire(dependencies_key(id), ttl) end
  if x[LIMIT] == '' then return end
  slots[x[LIMIT]] = slots[x[LIMIT]] or {}
  table.insert(slots[x[LIMIT]], id)
end

local all = true
for i, x in ipairs(ends) do
  if keys[i] then record(keys[i], x) end
  all = all and answers[i] == 'finished'
end
for q, members in pairs(finished) do
  register('finished', q, unpack(members))
  if watched then tell_of_leases('finished', q, leases[q], ARGV[2]) end
end
for limit, ids in pairs(slots) do free_slots(limit, ids) end
if registered and (good > 0 or ARGV[3] == 'idle') then show_ends(KEYS[1], ARGV[3], good, 0, worked) end
return all and redis.status_reply('finished') or answers
`,
);
