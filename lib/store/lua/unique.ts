/**
 * Unique keys. Each is a text in Redis that says which job holds it; who may take it is decided by that job's hash. So a
 * key never outlives its job, whoever ended it: Python's workers know nothing of these keys. What nobody has removed is
 * found by CLEAN_UNIQUE.
 *
 * @module
 */

/** After how many seconds CLEAN_UNIQUE looks at a key, and again. */
const LOOK_AFTER = 3_600;

/** See {@linkcode link}. */
export const UNIQUE_LUA: string = `
-- The name of a queue's unique key. The length keeps the key "b:c" of the queue "a" apart from the key "c" of "a:b".
local function unique_name(q, key)
  return #q .. ':' .. q .. ':' .. key
end

-- What a new job, or a waiting one, asks for: the name of its key, until when it is held ("started", "ended" or a number of
-- seconds), what happens if it is taken, and how long after the first call a debounced job is due at the latest.
local function unique_of(fields, q)
  local till, if_taken, most = string.match(fields.x_unique_how or '', '^(%S+) (%S+) ?(%S*)$')
  return {name = unique_name(q, fields.x_unique), till = till or 'ended', if_taken = if_taken or 'error',
    most = tonumber(most or '')}
end

-- What is stored of a unique key: "till", or "window"; the job's id and its created_at, since another job may have the id
-- by now; for a debounced job the created_at of the call that put it off last, and when it is due at the latest.
local function unique_value(name)
  local value = redis.pcall('GET', unique_key(name))
  if type(value) ~= 'string' then return nil end
  local till, id, created_at, last_call, latest = string.match(value, '^(%S+) (%S+) (%S+) ?(%S*) ?(%S*)$')
  if till then return {till = till, id = id, created_at = created_at, last_call = last_call, latest = tonumber(latest)} end
end

-- Whether a job that holds a key has begun, or ended, as the key says. One that is repeated as soon as its dependents are
-- released has not.
local function lets_go(job, till)
  if till == 'started' then return job.status == 'started' or has_ended(job.status) or (job.started_at or '') ~= '' end
  local repeats = job.status == 'finished' and next_repeat(job) and redis.pcall('HEXISTS', RELEASING, job.id) == 1
  return has_ended(job.status) and not repeats
end

-- The job that holds a unique key, and what is stored of the key; nil if it is free. In a window, the job may be gone.
local function holder_of(name)
  local value = unique_value(name)
  if not value then return nil end
  local job = get_job(value.id, 'created_at', 'started_at', 'enqueued_at', 'ttl')
  if value.till == 'window' then return job, value end
  if not job.data or job.created_at ~= value.created_at then return nil end
  if not job.x_unique or unique_name(job.q, job.x_unique) ~= name or lets_go(job, value.till) then return nil end
  return job, value
end

-- Has CLEAN_UNIQUE look at a unique key in a while.
local function look_later(name)
  redis.pcall('ZADD', UNIQUE_KEYS, now + ${LOOK_AFTER}, name)
end

-- Gives a unique key to a job. Its old value, if there is one, is overwritten.
local function hold_unique(unique, id, created_at, last_call, latest)
  local key, window = unique_key(unique.name), tonumber(unique.till)
  if window then
    local ms = string.format('%.0f', math.max(1, window * 1000))
    return redis.call('SET', key, 'window ' .. id .. ' ' .. created_at, 'PX', ms)
  end
  local value = unique.till .. ' ' .. id .. ' ' .. created_at
  if last_call then value = value .. ' ' .. last_call .. ' ' .. (latest and string.format('%.3f', latest) or '-') end
  redis.call('SET', key, value)
  look_later(unique.name)
end

-- Gives it to a new job.
local function hold_new(unique, id, given)
  local call = unique.if_taken == 'debounce' and given.created_at
  hold_unique(unique, id, given.created_at, call, unique.most and clock + unique.most)
end

-- Forgets a unique key.
local function drop_unique(name)
  redis.call('DEL', unique_key(name))
  redis.pcall('ZREM', UNIQUE_KEYS, name)
end

-- Puts a waiting job off by the delay of a further call, at most until its latest time, and gives it the call's arguments.
local function put_off(holder, value, unique, new_job, given) -- rare
  local answer, key = {outcome = 'debounced', id = holder.id}, job_key(holder.id)
  if value.last_call == given.created_at and holder.data == given.data then return answer end -- this very call, sent again
  local latest = value.latest or unique.most and clock + unique.most
  local due = math.min(due_of(new_job[NEW_DUE]) or clock, latest or math.huge)
  local moves = due > clock and holder.status ~= 'deferred'
  if moves and not can_admit(holder, due) then return {outcome = 'refused', why = ''} end
  redis.call('HSET', key, 'data', given.data, 'description', given.description or '', 'meta', given.meta or '{}')
  hold_unique({name = unique.name, till = value.till}, holder.id, value.created_at, given.created_at, latest)
  if moves then
    leave(holder)
    admit(holder, due, false)
  elseif holder.status == 'deferred' then
    redis.call('HSET', key, 'x_due', string.format('%.3f', due))
  end
  local ttl = seconds(holder.ttl, -1)
  if due > clock and ttl >= 0 then keep(holder.id, ttl + math.ceil(due - clock)) end -- its wait begins when it is due
  return answer
end

-- What a taken unique key means for a new job: its answer; or nil, and the waiting job that it is to replace, if any. A
-- job that runs, or sleeps between two of its steps, is neither replaced nor put off: it goes on, and the new one takes the key.
local function meet_holder(unique, new_job, given)
  local holder, value = holder_of(unique.name)
  if not holder then return nil end
  local own = holder.id == new_job[NEW_ID] and value.created_at == given.created_at
  if own then return new_answer(holder.status, holder.enqueued_at) end
  if unique.if_taken == 'skip' then return {outcome = 'skipped', id = holder.id} end
  if unique.if_taken == 'error' or value.till == 'window' then
    return {outcome = 'held', id = holder.id, status = holder.status, key = given.x_unique}
  end
  if holder.status == 'started' or field(holder.id, 'x_steps') then return nil end
  if unique.if_taken == 'debounce' then return put_off(holder, value, unique, new_job, given) end
  return nil, holder
end

-- The job that has taken the unique key of one that is to wait anew; nil if there is none.
local function taken_from(job) -- rare
  local holder, value = holder_of(unique_name(job.q, job.x_unique))
  return holder and value.till ~= 'window' and holder or nil
end

-- Gives a job that waits anew its unique key back.
local function hold_again(job) -- rare
  local unique = unique_of(job, job.q)
  if not tonumber(unique.till) then hold_unique(unique, job.id, job.created_at) end
end
`;
