/**
 * Moves jobs out of the place of their status, and into another one. No script does that itself. Where the key of the next
 * place holds another type of value, a job that has left would be in no place: ask `can_enter` or `can_admit` before. Ends
 * of executions do not ask: if one were refused, the job would run again, only because a registry cannot list it.
 *
 * @module
 */

import { MAX_DELAY } from "../../base/timers.ts";

/** Up to which distance from the head of a queue push_in_order() finds an earlier id. */
export const HEAD_LENGTH = 5_000;

/** See {@linkcode link}. */
export const MOVES_LUA: string = `
-- Whether nothing of another type than this is under a key.
local function holds_only(kind, key)
  local actual = redis.call('TYPE', key).ok
  return actual == kind or actual == 'none'
end

-- The same of a queue's keys; to be asked before anything is written.
local function can_push(q)
  return holds_only('list', queue_key(q)) and holds_only('set', QUEUES)
end

-- Whether a job can enter the place of a status; to be asked before it leaves the one that it has.
local function can_enter(job, status)
  local registry = REGISTRY[status]
  if registry then return holds_only('zset', registry_key(registry, job.q)) end
  return can_push(job.q)
end

-- Puts ids on a queue: at its tail, or if "front", one after the other at its head, so that the last one is first.
local function push(q, front, ...)
  redis.call('SADD', QUEUES, queue_key(q))
  redis.call(front and 'LPUSH' or 'RPUSH', queue_key(q), ...)
end

-- Puts ids at the head of a queue in their order. If "before", the last id of an earlier call, is still near the head,
-- they go behind it. "" for none.
local function push_in_order(q, ids, before)
  if #ids == 0 then return end
  local list, ahead = queue_key(q), {}
  local place = before ~= '' and redis.call('LPOS', list, before, 'MAXLEN', ${HEAD_LENGTH})
  if place then ahead = redis.call('LPOP', list, place + 1) end
  for _, part in ipairs({ids, ahead}) do
    local reversed = {}
    for i = #part, 1, -1 do reversed[#reversed + 1] = part[i] end
    if #reversed > 0 then push(q, true, unpack(reversed)) end
  end
end

-- Adds scores and members to a registry.
local function register(name, q, ...)
  redis.pcall('ZADD', registry_key(name, q), ...)
end

-- Removes members from a registry; returns how many were there.
local function unregister(name, q, ...)
  return redis.pcall('ZREM', registry_key(name, q), ...)
end

-- Removes a job from the place of its status; one with an unknown status may be on its queue. A job that is not on its
-- queue may have been popped: then the worker that popped it finds out when it claims it.
local function leave(job)
  local registry = REGISTRY[job.status]
  if registry == 'wip' then return drop_executions(job) end
  if registry then return unregister(registry, job.q, job.id) end
  if job.status == 'rate_limited' then
    local limit = field(job.id, 'rate_limit_key') or ''
    if redis.pcall('ZREM', rate_limited_key(limit), job.id) == 1 then return end
    local turn = turn_of({id = job.id, q = job.q, origin = job.origin, rate_limit_key = limit})
    return turn and redis.pcall('ZREM', rate_limited_key(turn), job.id)
  end
  local found = redis.pcall('LREM', queue_key(job.q), 1, job.id)
  if found ~= 1 then redis.pcall('LREM', intermediate_key(job.q), 1, job.id) end
end

-- Puts a job into the place of a status, and writes the status and further fields into its hash. "where" is the score in
-- a registry, or whether it goes to the head of the queue.
local function enter(job, status, where, ...)
  redis.call('HSET', job_key(job.id), 'status', status, ...)
  tell(job, status)
  local registry = REGISTRY[status]
  if registry then return register(registry, job.q, where, job.id) end
  push(job.q, where, job.id)
end

-- Puts several jobs on a queue, as enter() does one.
local function enter_queue(q, front, ids)
  for _, id in ipairs(ids) do redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', iso()) end
  if is_watched() then write_event('queued', q, ids) end
  push(q, front, unpack(ids))
end

-- Tells the worker that queues what is due on a queue when that will be. It looks by itself too, but only each second.
local function tell_worker(q, due)
  local worker = redis.pcall('HGET', SCHEDULERS, q)
  if type(worker) ~= 'string' then return end
  local ms = math.min(math.ceil(math.max(due - clock, 0) * 1000), ${MAX_DELAY}) -- JSON has no infinity
  redis.pcall('PUBLISH', channel(worker), cjson.encode({command = 'x-scheduled', queue = q, ms = ms}))
end

-- The same of a job that is due before all others of its queue.
local function tell_scheduler(job, due)
  if redis.pcall('ZRANGE', registry_key('scheduled', job.q), 0, 0)[1] == job.id then tell_worker(job.q, due) end
end

-- Puts a job that is due among those that wait for a slot, if it is rate limited and has none; else on its queue, at the
-- head if "front". Returns its status.
local function admit_at_once(job, front, ...)
  local status = job.rate_limit_key and wait_for_slot(job, front, ...)
  if status then return status end
  enter(job, 'queued', front, 'enqueued_at', iso(), ...)
  return 'queued'
end

-- Puts a job that waits for nothing else into its next place: the scheduled registry until it is due (seconds since 1970,
-- nil for now); those that wait for the turn of its fair key; those that wait for a slot of its rate limit; else its queue,
-- at the head if "front", which counts only within a fair key. Returns its status. A job keeps its turn until it starts,
-- and its slot until it ends; it gives both back when it is scheduled.
local function admit(job, due, front, ...)
  if due and due > clock then
    enter(job, 'scheduled', string.format('%.3f', due), ...)
    tell_scheduler(job, due)
    free_slot(job)
    free_turn(job)
    return 'scheduled'
  end
  local turn = turn_of(job)
  local status = turn and wait_for_turn(job, turn, front, ...)
  return status or admit_at_once(job, front and not turn, ...)
end
`;
