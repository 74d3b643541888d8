/** Enqueueing jobs one by one. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { localsLua, NEW_JOB, NEW_JOBS, placesLua } from "../records.ts";

/**
 * Stores jobs and puts them on their queue in the given order; or into the deferred registry while a parent has not
 * finished, into the scheduled registry until they are due, or among those that wait for a slot of their rate limit. Each is accepted or refused independently.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 MessagePack: the values of NEW_JOBS, and a list of records NEW_JOB
 * reply JSON: a list of an object for each job, or only one object if all are queued now
 *       { outcome: "queued" | "deferred" | "scheduled" | "rate_limited", enqueued_at } the date is "" unless it is queued
 *       { outcome: "duplicate", status } the id is taken by a job of this status
 *       { outcome: "refused", why } with Redis' error, or "" if a key of the queue or of the job holds another type of
 *       value; nothing was written of it
 * ```
 *
 * An id that is taken by a job that has not ended is refused; a job that has ended is replaced. A hash with exactly the
 * same `created_at` (to the microsecond) and `data` was written by this very call, whose reply was lost.
 */
export const ENQUEUE_EACH: Script = script(
  "enqueue_each",
  `
${placesLua(NEW_JOB)}
local ${localsLua(NEW_JOBS)}, jobs = cmsgpack.unpack(ARGV[2])
local at, pushable, ids = iso(), can_push(queue), {}
local queued, unfit = {outcome = 'queued', enqueued_at = at}, {outcome = 'refused', why = ''}

-- The answer if the id is taken; else nil, and the queue of the ended job that is replaced, if there is one.
local function look_up(id, given)
  local kind = redis.call('TYPE', job_key(id)).ok
  if kind == 'none' then return end
  if kind ~= 'hash' then return unfit end
  local h = redis.call('HMGET', job_key(id), 'created_at', 'data', 'status', 'enqueued_at', 'origin')
  local created_at, data, status, enqueued_at, origin = unpack(h)
  if created_at == given.created_at and data == given.data then
    local waits = status == 'deferred' or status == 'scheduled' or status == 'rate_limited'
    return {outcome = waits and status or 'queued', enqueued_at = enqueued_at or ''}
  end
  if not has_ended(status) then return {outcome = 'duplicate', status = status or ''} end
  return nil, origin or queue
end

-- Whether none of the keys to be written holds another type of value.
local function fits(id, parents, due, limit, makes_room)
  if limit and not limit_fits(limit) then return false end
  if due and not can_enter({q = queue}, 'scheduled') then return false end
  if #parents == 0 then return pushable end
  for _, parent in ipairs(parents) do
    if not holds_only('set', dependents_key(parent)) then return false end
  end
  return pushable and can_enter({q = queue}, 'deferred') and
    (makes_room or holds_only('set', dependencies_key(id)))
end

-- Puts a new job where it has to wait; what goes on the queue is gathered.
local function place(new_job, id, waits, due, limit)
  local key, job = job_key(id), {id = id, q = queue, rate_limit_key = limit}
  if not waits and not due and not limit then
    redis.call('HSET', key, 'origin', queue, 'status', 'queued', 'enqueued_at', at, unpack(new_job, FIELDS))
    ids[#ids + 1] = id
    return queued
  end
  redis.call('HSET', key, unpack(new_job, FIELDS))
  redis.call('SADD', QUEUES, KEYS[1])
  if not waits then
    local status = admit(job, due, side == 'L', 'origin', queue)
    return {outcome = status, enqueued_at = status == 'queued' and at or ''}
  end
  enter(job, 'deferred', now, 'origin', queue)
  if due then redis.call('HSET', key, 'x_due', string.format('%.3f', due)) end
  return {outcome = 'deferred', enqueued_at = ''}
end

local function take(job)
  local id, due, given = job[ID], due_of(job[DUE]), {}
  for i = FIELDS, #job, 2 do given[job[i]] = job[i + 1] end
  local parents = given.dependency_ids and cjson.decode(given.dependency_ids) or {}
  local limit = given.rate_limit_key
  local answer, old_queue = look_up(id, given)
  if answer then return answer end
  if not fits(id, parents, due, limit, old_queue) then return unfit end
  if old_queue then
    local old = get_job(id)
    old.q = old_queue
    leave(old)
    remove(old)
  end
  answer = place(job, id, depend(id, parents, given.allow_dependency_failures == '1'), due, limit)
  if job[TTL] ~= '0' then
    -- the wait that it limits begins when the job is due
    local ttl = tonumber(job[TTL]) + math.ceil(due and due - clock or 0)
    for _, key in ipairs({job_key(id), dependencies_key(id)}) do redis.call('EXPIRE', key, ttl) end
  end
  return answer
end

local answers = {}
for i, job in ipairs(jobs) do
  -- An error here, such as over a key of the replaced job with another type, must not affect other jobs.
  local fine, answer = pcall(take, job)
  if not fine then answer = {outcome = 'refused', why = type(answer) == 'table' and answer.err or tostring(answer)} end
  answers[i] = answer
end
if #ids > 0 then push(queue, side == 'L', unpack(ids)) end
return cjson.encode(#ids == #jobs and queued or answers)
`,
);
