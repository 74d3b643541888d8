/**
 * What scripts share. Each script is put together from the pieces that it
 * needs, since Redis has no modules.
 *
 * Rules for all of them: validate first and write last, for Redis rolls nothing
 * back; time is the server's; work per call is bounded; a second run with the same
 * arguments changes nothing and answers the same, because a call whose reply was lost
 * is sent again.
 *
 * A call has its price before it does anything: Redis 7 took 5 µs for `return 1`, 20 µs with all pieces below, whose
 * functions are made anew each time. Fewer commands help little there; calls for many jobs do.
 *
 * @module
 */

import { MAX_SECONDS } from "../../base/duration.ts";
import { EXECUTION_ID_LENGTH } from "../execution_id.ts";
import { KEYS_LUA } from "../keys.ts";
import { LEASE_MARGIN } from "../lease.ts";

/** How far from the head of a queue ids are put back in their order. */
export const HEAD_LENGTH = 5_000;

/**
 * `now` in seconds and `iso()` as RQ writes dates. Redis' Lua has no `os.date`,
 * so the calendar is worked out (Howard Hinnant's `civil_from_days`).
 */
export const NOW_LUA: string = `
local time = redis.call('TIME')
local now = tonumber(time[1])
local function iso()
  local days, seconds = math.floor(now / 86400), now % 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    math.floor(seconds / 3600), math.floor(seconds / 60) % 60, seconds % 60, tonumber(time[2]))
end
`;

/** The same, and `now_float` with the microseconds. */
export const TIME_LUA: string = `${NOW_LUA}
local now_float = time[1] .. '.' .. string.format('%06d', tonumber(time[2]))
`;

/**
 * - `seconds(text, default)`: a time to live in whole seconds, of at most a century; -1, for ever, for all below 0
 * - `expire(key, ttl)`: lets a key expire after `ttl` seconds; -1 for never
 */
export const TTL_LUA: string = `
local function seconds(text, default)
  local number = string.find(text or '', '^[+-]?%d+$') and tonumber(text)
  if not number then return default end
  return number < 0 and -1 or math.min(number, ${MAX_SECONDS})
end
local function expire(key, ttl)
  if ttl < 0 then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ttl) end
end
`;

/**
 * - `is_job(id)`: the hash exists and has `data`; a foreign type under the key is none
 * - `field(id, name)`: one field, or false
 * - `whole(text)`: the number that a field holds, 0 for what is none: anybody may have written it
 * - `can_push(q)`: whether nothing of another type is under the queue's keys; to be asked before `push`
 * - `push(id, q, front)`: puts an id on its queue as `queued`
 */
export const JOB_LUA: string = `
local function is_job(id)
  return redis.pcall('HEXISTS', job_key(id), 'data') == 1
end
local function field(id, name)
  local value = redis.pcall('HGET', job_key(id), name)
  return type(value) == 'string' and value
end
local function whole(text)
  local number = tonumber(text or '')
  return number and number > 0 and number < 1e9 and math.floor(number) or 0
end
local function can_push(q)
  local list, set = redis.call('TYPE', queue_key(q)).ok, redis.call('TYPE', QUEUES).ok
  return (list == 'list' or list == 'none') and (set == 'set' or set == 'none')
end
local function push(id, q, front)
  redis.call('SADD', QUEUES, queue_key(q))
  redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', iso())
  redis.call(front and 'LPUSH' or 'RPUSH', queue_key(q), id)
end
`;

/**
 * Leases: members \`<job>:<execution>\` of \`wip\`, scored with their end; ours with a margin behind that.
 *
 * - \`lease_end(e, score)\`: when the lease of an execution ends. Plain members, as RQ 1.x writes them, are of
 *   the execution \`""\`
 * - `live_execution(id, q)`: the execution whose lease still holds, or nil; \`x_execution\`
 *   names ours, \`rq:executions:<job>\` those of Python workers
 * - `drop_executions(id, q)`: takes every lease and execution record of a job away
 */
export const LEASE_LUA: string = `
local function lease_end(e, score)
  return tonumber(score) - (#e == ${EXECUTION_ID_LENGTH} and ${LEASE_MARGIN} or 0)
end
local function holds(id, q, e)
  local score = redis.call('ZSCORE', registry_key('wip', q), id .. ':' .. e)
  return score and lease_end(e, score) > now
end
local function python_executions(id)
  local list = redis.pcall('ZRANGE', executions_key(id), 0, 99)
  return list.err and {} or list
end
local function live_execution(id, q)
  local own = field(id, 'x_execution')
  if own and own ~= '' and holds(id, q, own) then return own end
  local plain = redis.call('ZSCORE', registry_key('wip', q), id) -- as RQ 1.x writes it
  if plain and tonumber(plain) > now then return '' end
  for _, e in ipairs(python_executions(id)) do
    if holds(id, q, e) then return e end
  end
end
local function drop_execution(id, q, e, worker)
  redis.pcall('ZREM', registry_key('wip', q), id .. ':' .. e)
  if redis.call('DEL', execution_key(id, e)) == 0 then return end -- never had a heartbeat
  redis.pcall('ZREM', executions_key(id), e)
  if worker then redis.pcall('SREM', worker_executions_key(worker), id .. ':' .. e) end
end
local function drop_executions(id, q)
  local worker = field(id, 'worker_name')
  local own = field(id, 'x_execution')
  if own and own ~= '' then drop_execution(id, q, own, worker) end
  for _, e in ipairs(python_executions(id)) do drop_execution(id, q, e, worker) end
  redis.pcall('ZREM', registry_key('wip', q), id)
end
`;

/**
 * - \`put_at_head(q, ids, before)\`: puts ids at the head of a queue, the first one foremost; behind \`before\` if that
 *   is still near the head, where an earlier call for the same ids has put it, else in front of all. "" for none.
 */
export const HEAD_LUA: string = `
local function put_at_head(q, ids, before)
  if #ids == 0 then return end
  local list, ahead = queue_key(q), {}
  local place = before ~= '' and redis.call('LPOS', list, before, 'MAXLEN', ${HEAD_LENGTH})
  if place then ahead = redis.call('LPOP', list, place + 1) end
  for _, part in ipairs({ids, ahead}) do
    local reversed = {}
    for i = #part, 1, -1 do reversed[#reversed + 1] = part[i] end
    if #reversed > 0 then redis.call('LPUSH', list, unpack(reversed)) end
  end
end
`;

/**
 * Dependents:
 *
 * - \`promote(c, strict)\`: queues a deferred job once every parent is done. A parent whose hash
 *   is gone counts as done, as in RQ; not if \`strict\`, since it may have failed.
 * - \`release(id, status, cursor, limit)\`: does so for jobs that wait for one which has just ended, and
 *   gives the cursor to go on from, "0" at the end, and how many it looked at; with a limit of 0 it only says
 *   whether there are any. A parent that has finished is taken off the child's list: it may be gone when the
 *   next parent ends.
 * - \`hold(id, q, status, ttl)\`: keeps a parent until the last of them is released, and notes what it was where
 *   the sweep finds it; it is kept for \`ttl\` seconds after that
 * - \`is_held(id)\`: whether that is so
 */
export const DEPENDENTS_LUA: string = `
local function promote(c, strict)
  if not is_job(c) then return false end
  local h = redis.call('HMGET', job_key(c), 'status', 'origin', 'allow_dependency_failures', 'enqueue_at_front')
  if h[1] ~= 'deferred' or not h[2] or not can_push(h[2]) then return false end
  local parents = redis.pcall('SMEMBERS', dependencies_key(c))
  if parents.err then return false end
  for _, parent in ipairs(parents) do
    local status = field(parent, 'status')
    if not status and strict then return false end
    if status and status ~= 'finished' and not (status == 'failed' and h[3] == '1') then return false end
  end
  redis.pcall('ZREM', registry_key('deferred', h[2]), c)
  push(c, h[2], h[4] == '1')
  return true
end
local function release(id, status, cursor, limit)
  local key = dependents_key(id)
  if limit < 1 then return redis.call('EXISTS', key) == 1 and 'begin' or '0', 0 end
  if status == 'finished' then
    local children = redis.pcall('SPOP', key, limit)
    if children.err then return '0', 0 end
    for _, c in ipairs(children) do
      redis.pcall('SREM', dependencies_key(c), id)
      promote(c)
    end
    return #children == limit and redis.call('EXISTS', key) == 1 and 'begin' or '0', #children
  end
  local page = redis.pcall('SSCAN', key, cursor == 'begin' and '0' or cursor, 'COUNT', limit)
  if page.err then return '0', 0 end
  local deleted = not field(id, 'status') -- which counts as done, for a child that does not allow failure too
  for _, c in ipairs(page[2]) do
    local may = not deleted or field(c, 'allow_dependency_failures') == '1'
    if may and promote(c) then redis.call('SREM', key, c) end
  end
  return page[1], #page[2]
end
local function hold(id, q, status, ttl)
  local held = redis.pcall('HSET', RELEASING, id, status .. ' ' .. ttl .. ' ' .. q)
  -- where the key holds another type of value, nobody would end the wait
  local kept = type(held) == 'table' and tonumber(ttl) or -1
  for _, key in ipairs({job_key(id), dependents_key(id)}) do expire(key, kept) end
end
local function is_held(id)
  return redis.pcall('HEXISTS', RELEASING, id) == 1
end
`;

/**
 * - \`forget(id, q, keeps_dependents)\`: takes a job out of everything, its keys included; its dependents not where they are being released
 * - \`register\`, \`unregister\`, \`add_result\`: a key that holds something of another type spoils no
 *   transition: a registry is left as it is, a stream of results is made anew
 * - \`add_result(id, ttl, text, field, value, …)\`: \`text\` is the one of the values that may be long
 * - \`expire(key, ttl)\`, \`keep(id, ttl)\`: let a key, or all keys of a job, expire after \`ttl\` seconds; -1 for never
 * - \`wake(id, how)\`: tells whoever waits for a job (\`x_waited\`) to look at it again, where no entry in its stream
 *   of results does so; \`wake_children(id)\`: likewise for jobs that wait for this one. Never an error.
 * - \`discard(id, q, status, released)\`: forgets a job whose end is not kept, once its dependents are released
 * - \`fail(id, q, status, ttl, text, worker, e)\`: ends a job as \`failed\` or \`stopped\`
 */
export const ENDING_LUA: string = `
local function unregister(id, q, names)
  for _, name in ipairs(names) do redis.pcall('ZREM', registry_key(name, q), id) end
end
local function register(id, q, name, score)
  redis.pcall('ZADD', registry_key(name, q), score, id)
end
local function add_result(id, ttl, text, ...)
  local key = results_key(id)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'stream' and kind ~= 'none' then redis.call('DEL', key) end
  redis.call('XADD', key, 'MAXLEN', '~', 10, '*', ...)
  -- Redis sets 4 KB aside for a new stream: restored from its own dump, a small result took 752 bytes and not 4,728.
  if kind ~= 'stream' and #text < 2048 then
    local dump = redis.pcall('DUMP', key) -- some servers forbid it, and keep their 4 KB
    local small = type(dump) == 'string' and redis.pcall('RESTORE', key, ttl < 0 and 0 or ttl * 1000, dump, 'REPLACE')
    if small and not small.err then return end
  end
  expire(key, ttl)
end
local function wake(id, how)
  if not field(id, 'x_waited') then return end
  redis.pcall('XADD', ends_key(), 'MAXLEN', '~', 1000, '*', 'job_id', id, 'how', how)
  redis.pcall('EXPIRE', ends_key(), 60)
end
local function wake_children(id)
  local children = redis.pcall('SRANDMEMBER', dependents_key(id), 100) -- further ones look for themselves
  for _, c in ipairs(children) do wake(c, '') end
end
local function forget(id, q, keeps_dependents)
  wake(id, field(id, 'status') or '')
  wake_children(id)
  drop_executions(id, q)
  unregister(id, q, {'finished', 'failed', 'deferred', 'scheduled', 'canceled'})
  local group = field(id, 'group_id')
  if group and group ~= '' then redis.pcall('SREM', group_key(group), id) end
  redis.call('DEL', job_key(id), dependencies_key(id), results_key(id), executions_key(id))
  if not keeps_dependents then redis.call('DEL', dependents_key(id)) end
end
local function keep(id, ttl)
  for _, key in ipairs({job_key(id), results_key(id), dependents_key(id), dependencies_key(id)}) do expire(key, ttl) end
end
local function discard(id, q, status, released)
  if released == '0' then return forget(id, q) end
  wake(id, status)
  hold(id, q, status, 0)
end
local function fail(id, q, status, ttl, text, worker, e)
  redis.call('HSET', job_key(id), 'status', status, 'ended_at', iso())
  wake_children(id)
  if ttl == 0 then return end -- to be discarded, once its dependents have seen it
  add_result(id, ttl, text, 'type', 2, 'exc_string', text, 'worker_name', worker, 'execution_id', e)
  register(id, q, 'failed', ttl < 0 and -1 or now + ttl)
  keep(id, ttl)
end
`;

/** Puts a script's pieces before its own text, the key names first. */
export function withPrelude(pieces: readonly string[], body: string): string {
  return [KEYS_LUA, ...pieces, body].join("");
}
