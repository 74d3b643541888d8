/**
 * Turns of fair keys: of each key, a queue's list holds one job, and the next one of the key goes to the tail when that one
 * starts. So the keys take turns, however many jobs each has. Jobs without a key stand in the list as ever.
 *
 * A fair key is a rate limit of RQ 3.0, in RQ's keys (`rl:x_fair:…`), with one slot, the turn. Jobs that wait for it have the
 * status `rate_limited`. The job that has it gives it on when it starts, not when it ends. Why so:
 *
 * - Python workers pop jobs without a script, so what they pop can give nothing on. But RQ 3.0 gives a slot on when a job
 *   ends. So a queue where only Python workers live is drained, too. There, up to FAIR_CONCURRENCY jobs of a key are queued or
 *   running: all have the turn. With a status and lists of our own, such a queue would stand still.
 * - Python's cancel, delete, retry, requeue, its scheduler and its maintenance know where a rate-limited job is.
 * - Rejected: one order of all jobs in the list, where each is inserted at its place. It needs no status, but a list finds
 *   a place in linear time: 2 ms for each job behind 100,000 others.
 * - Rejected: one sorted set of all keys' jobs, scored by turns. A score is given when the job arrives: after a key's jobs
 *   were canceled, its next one would wait for turns that nobody takes.
 *
 * A job that has a rate limit of its own waits for its turn first, and then, with the turn, for a slot: so a tenant's jobs
 * keep no other's from the slots of a limit that they share. RQ has one limit for a job, and does not know of that turn: what
 * Python workers start or end is noticed by a Deno worker, see PASS_TURNS.
 *
 * The set `x_fair:<queue>` lists the limits in use. It costs one more command for each job, and is what shows who waits.
 *
 * @module
 */

import { FAIR_CONCURRENCY, FAIR_PREFIX } from "../../job/fair_key.ts";

/** How many jobs that wait no more one call of a script drops. */
const DROP_BATCH = 100;

/** See {@linkcode link}. */
export const TURNS_LUA: string = `
-- Whether a limit is that of a fair key.
local function is_fair(limit)
  return string.sub(limit, 1, ${FAIR_PREFIX.length}) == '${FAIR_PREFIX}'
end

-- The limit by which a job takes turns with others; nil if it has no fair key. Where it has a rate limit of its own, there
-- is one for each key and limit: one that waits for a slot must not keep those of another limit.
local function turn_of(job)
  local limit = job.rate_limit_key
  if not limit or limit == '' then return nil end
  if is_fair(limit) then return limit end
  local key, q = field(job.id, 'x_fair_key'), job.origin or job.q
  if not key or key == '' then return nil end
  return 'x_fair_limited:' .. #q .. ':' .. q .. ':' .. #key .. ':' .. key .. ':' .. limit
end

-- Whether no key of a limit by which jobs take turns holds another type of value.
local function turn_fits(turn, q)
  return limit_fits(turn) and holds_only('set', fair_key(q))
end

-- Whether a job that has the turn has yet to start. Python workers do not give it on when one starts, and give it to some.
local function is_taken(turn)
  for _, id in ipairs(redis.call('ZRANGE', allowed_key(turn), 0, ${FAIR_CONCURRENCY} - 1)) do
    local status = field(id, 'status')
    if status == 'queued' or status == 'rate_limited' then return true end
  end
  return false
end

-- Deletes what is stored of a limit by which nobody takes turns any more.
local function forget_turn(turn, q)
  if redis.call('EXISTS', allowed_key(turn), rate_limited_key(turn)) > 0 then return end
  redis.call('DEL', limit_key(turn))
  redis.pcall('SREM', fair_key(q), turn)
  redis.pcall('SREM', LIMITS, turn)
end

-- How many jobs that wait no more this call may still drop.
local drops = ${DROP_BATCH}

-- Gives a turn to the job that has waited for it longest. Those that wait no more are dropped; if they are too many for one
-- call, nobody has the turn until a pass goes on.
local function next_turn(turn, q)
  local waiting = rate_limited_key(turn)
  while drops >= 0 do
    local id = redis.pcall('ZRANGE', waiting, 0, 0)[1]
    if not id then return forget_turn(turn, q) end
    local job = get_job(id)
    local waits = job.data and job.status == 'rate_limited' and turn_of(job) == turn
    if waits and not can_admit(job) then return end
    redis.call('ZREM', waiting, id)
    if waits then
      redis.call('ZADD', allowed_key(turn), now, id)
      return admit_at_once(job, false)
    end
    drops = drops - 1
  end
end

-- Gives on a turn that a job had, unless another one has it, too.
local function pass_turn(turn, q) -- rare
  if turn_fits(turn, q) and not is_taken(turn) then next_turn(turn, q) end
end

-- Takes a job's turn, if it has it, and gives it to the next one of its fair key.
local function free_turn(job)
  local turn = turn_of(job)
  if turn and redis.pcall('ZREM', allowed_key(turn), job.id) == 1 then pass_turn(turn, job.origin or job.q) end
end

-- Has a job wait for its turn, before all others of its key if "front"; returns its status, or nil if it has the turn now.
-- What RQ reads is written when the first one waits.
local function wait_for_turn(job, turn, front, ...) -- rare
  local q, waiting = job.origin or job.q, rate_limited_key(turn)
  if not turn_fits(turn, q) or redis.call('ZSCORE', allowed_key(turn), job.id) then return nil end
  redis.call('SADD', fair_key(q), turn)
  local taken = is_taken(turn)
  if not taken and redis.call('EXISTS', waiting) == 0 then
    redis.call('ZADD', allowed_key(turn), now, job.id)
    return nil
  end
  if is_fair(turn) then
    redis.call('SADD', LIMITS, turn)
    redis.call('HSET', limit_key(turn), 'concurrency', ${FAIR_CONCURRENCY})
  end
  local first = front and redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
  local score = first and first - 1 or clock + begun / 1000000
  begun = begun + 1
  redis.call('HSET', job_key(job.id), 'status', 'rate_limited', 'enqueue_at_front', 0, ...)
  tell(job, 'rate_limited')
  redis.call('ZADD', waiting, string.format('%.6f', score), job.id)
  if taken then return 'rate_limited' end
  next_turn(turn, q)
  return field(job.id, 'status')
end
`;
