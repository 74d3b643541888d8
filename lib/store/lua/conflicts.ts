/**
 * What a job of a limit with one slot does about the others: it is skipped if there is one (`skip`), or has those canceled
 * that wait (`keepLatest`), and also the one that runs (`cancelRunning`). That is decided once, when the job might start:
 * in the call that enqueues it; for one that waits for a time or for other jobs, right after it has come to wait for a
 * slot. The field `x_on_conflict` is there until then.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../../job/options.ts";

/** How many jobs one call cancels. */
const MOST_CANCELED = 50;

/** How many of the jobs that wait for a slot one call asks what they do about the others; those that came last. */
const ASKED = 20;

/** How many slots of a limit may be taken at a time: one, unless it has had more. */
const SLOTS = 10;

/** See {@linkcode link}. */
export const CONFLICTS_LUA: string = `
-- The job that has the slot of a limit, or the one that has waited for it the longest; nil if there is none before "own".
local function job_ahead(limit, own) -- rare
  clean_slots(limit, 0, ${SLOTS}) -- nobody may have freed that of a job that is gone
  local holder = redis.call('ZRANGE', allowed_key(limit), 0, 0)[1]
  if holder then return holder end
  for _, id in ipairs(redis.call('ZRANGE', rate_limited_key(limit), 0, ${SLOTS} - 1)) do
    if id == own then return nil end
    if field(id, 'status') == 'rate_limited' then return id end
  end
end

-- How many jobs this call may still cancel for others of their limit.
local cancels = ${MOST_CANCELED}

-- Cancels a job of a limit, which is queued, runs or waits for a slot.
local function make_way(id, limit)
  cancels = cancels - 1
  local job = get_job(id)
  local is_there = job.status == 'queued' or job.status == 'started' or job.status == 'rate_limited'
  if is_there and job.rate_limit_key == limit then cancel_job(job, 'x-conflict', ${DEFAULT_FAILURE_TTL}) end
end

-- Cancels the jobs of a limit that are in the way of a new one, or of "own", which waits; returns whether all are.
local function clear_way(limit, how, own) -- rare
  if how ~= 'keepLatest' and how ~= 'cancelRunning' then return true end
  for _, id in ipairs(redis.call('ZRANGE', rate_limited_key(limit), 0, ${MOST_CANCELED})) do
    if id == own then break end
    if cancels < 1 then return false end
    make_way(id, limit)
  end
  if how == 'keepLatest' then return true end
  clean_slots(limit, 0, ${SLOTS})
  for _, id in ipairs(redis.call('ZRANGE', allowed_key(limit), 0, ${SLOTS} - 1)) do
    if cancels < 1 then return false end
    make_way(id, limit)
  end
  return true
end

-- Does what jobs that have come to wait for a slot ask for about those before them. If there is more to do than one call
-- does, the next look goes on, and where nothing could be done, a second later.
local function heed_conflicts(limit, q)
  local before = redis.call('ZCARD', rate_limited_key(limit))
  local function go_on()
    local stuck = redis.call('ZCARD', rate_limited_key(limit)) == before
    plan_look(limit, q, clock + (stuck and 1 or 0))
  end
  for _, id in ipairs(redis.call('ZRANGE', rate_limited_key(limit), -${ASKED}, -1)) do
    local how = field(id, 'x_on_conflict')
    if how == 'skip' and job_ahead(limit, id) then make_way(id, limit)
    elseif how and not clear_way(limit, how, id) then return go_on()
    elseif how then redis.call('HDEL', job_key(id), 'x_on_conflict') end
  end
end
`;
