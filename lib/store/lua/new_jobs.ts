/**
 * Enqueueing, for whoever has a record NEW_JOB: a producer, or a script that makes jobs by itself.
 *
 * @module
 */

import { NEW_JOB, placesLua } from "../records.ts";

/** See {@linkcode link}. */
export const NEW_JOBS_LUA: string = `
-- The positions in a record NEW_JOB.
${placesLua(NEW_JOB, "new_")}

-- A queue that jobs are to be put on, at its head if "front". Those that wait for nothing are gathered in "ids".
local function target(q, front)
  return {q = q, front = front, pushable = can_push(q), ids = {}}
end

-- Puts on the queue what has been gathered.
local function push_gathered(to)
  if #to.ids == 0 then return end
  push(to.q, to.front, unpack(to.ids))
  if is_watched() then write_event('queued', to.q, to.ids) end
end

-- The answer for a job that is stored, and may have ended because a parent had.
local function new_answer(status, enqueued_at, decided_by)
  local waits = status == 'deferred' or status == 'scheduled' or status == 'rate_limited' or decided_by
  return {outcome = waits and status or 'queued', enqueued_at = enqueued_at or ''}
end

-- The answer if the id of a new job is taken; else nil, and the queue of the ended job that is replaced, if there is one.
-- It is not taken by the same job that was only created.
local function look_up(id, given, to)
  local kind = redis.call('TYPE', job_key(id)).ok
  if kind == 'none' then return end
  if kind ~= 'hash' then return {outcome = 'refused', why = ''} end
  local h = redis.call('HMGET', job_key(id), 'created_at', 'data', 'status', 'enqueued_at', 'origin', 'x_decided_by')
  local created_at, data, status, enqueued_at, origin, decided_by = unpack(h)
  if created_at == given.created_at and data == given.data then
    if status == 'created' then return end
    return new_answer(status, enqueued_at, decided_by)
  end
  local refused = not has_ended(status) or given.x_unique_how == 'id'
  if refused then return {outcome = 'duplicate', status = status or ''} end
  return nil, origin or to.q
end

-- Removes an ended job whose id a new one takes.
local function replace_ended(id, q) -- rare
  local old = get_job(id)
  old.q = q
  leave(old)
  remove(old)
end

-- Whether none of the keys to be written holds another type of value.
local function new_job_fits(id, to, parents, due, limit, makes_room)
  if limit and not limit_fits(limit) then return false end
  if due and not can_enter({q = to.q}, 'scheduled') then return false end
  if #parents == 0 then return to.pushable end
  for _, parent in ipairs(parents) do
    if not holds_only('set', dependents_key(parent)) then return false end
  end
  return to.pushable and can_enter({q = to.q}, 'deferred') and
    (makes_room or holds_only('set', dependencies_key(id)))
end

-- Puts a new job where it has to wait; what goes on the queue is gathered. A unique one is not: the next one may replace it.
local function place_new(new_job, id, to, waits, due, limit, unique)
  local key, job = job_key(id), {id = id, q = to.q, rate_limit_key = limit}
  if not waits and not due and not limit and not unique then
    redis.call('HSET', key, 'origin', to.q, 'status', 'queued', 'enqueued_at', iso(), unpack(new_job, NEW_FIELDS))
    to.ids[#to.ids + 1] = id
    return {outcome = 'queued', enqueued_at = iso()}
  end
  redis.call('HSET', key, unpack(new_job, NEW_FIELDS))
  redis.call('SADD', QUEUES, queue_key(to.q))
  if not waits then
    local status = admit(job, due, to.front, 'origin', to.q)
    return {outcome = status, enqueued_at = status == 'queued' and iso() or ''}
  end
  enter(job, 'deferred', now, 'origin', to.q)
  if due then redis.call('HSET', key, 'x_due', string.format('%.3f', due)) end
  return {outcome = 'deferred', enqueued_at = ''}
end

-- The fields of a record NEW_JOB by name.
local function fields_of(new_job)
  local given = {}
  for i = NEW_FIELDS, #new_job, 2 do given[new_job[i]] = new_job[i + 1] end
  return given
end

-- Leaves out a field of a record NEW_JOB.
local function drop_field(new_job, name)
  for i = NEW_FIELDS, #new_job, 2 do
    if new_job[i] == name then
      table.remove(new_job, i + 1)
      table.remove(new_job, i)
      return
    end
  end
end

-- Lets the rate limit of a new job be as the job has it.
local function limit_new(limit, given)
  if not limit or is_fair(limit) then return end
  set_limit(limit, given.rate_limit_concurrency, given.x_rate_starts, given.x_rate_per)
end

-- Has a new job say that its group counts it as open.
local function mark_member(new_job)
  new_job[#new_job + 1] = 'x_grouped'
  new_job[#new_job + 1] = 'open'
end

-- Limits how long a new job waits on its queue. What it waits for until it is due does not count.
local function limit_wait(new_job, due)
  if new_job[NEW_TTL] == '0' then return end
  local ttl = tonumber(new_job[NEW_TTL]) + math.ceil(due and due - clock or 0)
  for _, key in ipairs({job_key(new_job[NEW_ID]), dependencies_key(new_job[NEW_ID])}) do redis.call('EXPIRE', key, ttl) end
end

-- The first of some parents that is no job, or nil.
local function unknown_parent(parents)
  for _, parent in ipairs(parents) do
    if not is_job(parent) then return parent end
  end
end

-- Enqueues one job, given as a record NEW_JOB, and returns the answer: see ENQUEUE_EACH.
local function enqueue_new(new_job, to)
  local id, due, given = new_job[NEW_ID], due_of(new_job[NEW_DUE]), fields_of(new_job)
  local parents = given.dependency_ids and cjson.decode(given.dependency_ids) or {}
  local limit, tags = given.rate_limit_key, tags_of(given.x_tags)
  local answer, old_queue = look_up(id, given, to)
  local unknown = not answer and unknown_parent(parents)
  if unknown then return {outcome = 'unknown parent', parent = unknown} end
  local unique, replaced = given.x_unique and unique_of(given, to.q), nil
  if unique and (not answer or answer.outcome == 'duplicate') then
    local met
    met, replaced = meet_holder(unique, new_job, given)
    if met or replaced and replaced.id == id then answer = met end
  end
  if answer then return answer end
  local joins = not given.group_id or group_fits(given.group_id)
  if joins == nil then return {outcome = 'no group', group = given.group_id} end
  local fits = joins and new_job_fits(id, to, parents, due, limit, old_queue or replaced and replaced.id == id) and
    (not unique or holds_only('string', unique_key(unique.name))) and tags_fit(to.q, tags)
  if not fits then return {outcome = 'refused', why = ''} end
  -- what waits for something else heeds that later
  local how = #parents == 0 and not due and limit and given.x_on_conflict
  local ahead = how == 'skip' and job_ahead(limit)
  if ahead then return {outcome = 'skipped', id = ahead} end
  if old_queue then replace_ended(id, old_queue) end
  if replaced then
    leave(replaced)
    remove(replaced)
  end
  limit_new(limit, given)
  if how and clear_way(limit, how) then drop_field(new_job, 'x_on_conflict') end
  local verdict, parent, status = 'go', nil, nil
  if #parents > 0 then verdict, parent, status = depend(id, parents, given) end
  if given.group_id then mark_member(new_job) end
  answer = place_new(new_job, id, to, verdict ~= 'go', due, limit, unique)
  limit_wait(new_job, due)
  if unique then hold_new(unique, id, given) end
  if #tags > 0 then tag_job(id, to.q, tags) end
  if given.group_id then join_group(given.group_id, id) end
  if verdict == 'go' or verdict == 'stay' then return answer end
  doom(id, verdict, parent, status)
  end_doomed()
  return {outcome = verdict == 'fail' and 'failed' or 'canceled', enqueued_at = ''}
end

-- Enqueues a job that a hook makes, given as a record NEW_JOB, which has no parents and no unique key. Its id is derived from
-- what it is made for: if there is such a job, this has been done before. Returns nothing if a key of its queue holds another
-- type of value. Hooks cannot call enqueue_new(), which removes the ended job whose id is taken, and thus calls hooks.
local function spawn(new_job, to)
  local id, due, given = new_job[NEW_ID], due_of(new_job[NEW_DUE]), fields_of(new_job)
  local limit, tags = given.rate_limit_key, tags_of(given.x_tags)
  if redis.call('EXISTS', job_key(id)) == 1 then return 'exists' end
  if not new_job_fits(id, to, {}, due, limit, false) or not tags_fit(to.q, tags) then return end
  limit_new(limit, given)
  if given.group_id then mark_member(new_job) end
  local answer = place_new(new_job, id, to, false, due, limit)
  limit_wait(new_job, due)
  if #tags > 0 then tag_job(id, to.q, tags) end
  if given.group_id then join_group(given.group_id, id) end
  return answer.outcome
end
`;
