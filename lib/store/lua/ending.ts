/** Ends of jobs. @module */

/** See {@linkcode link}. */
export const ENDING_LUA: string = `
-- Cancels a job in any state; false if it cannot enter the place of canceled ones. A worker that runs it is told over its
-- channel, and loses the lease: it kills the job and records nothing. The hash keeps the token of who did it.
local function cancel_job(job, token, default_ttl)
  if not can_enter(job, 'canceled') then return false end
  local key, before = job_key(job.id), job.status
  local ttl = seconds(field(job.id, 'failure_ttl'), default_ttl)
  leave(job)
  enter(job, 'canceled', now, 'x_change', token .. ' ' .. before)
  redis.call('HDEL', key, 'x_execution')
  keep(job.id, ttl == 0 and 60 or ttl) -- long enough to be seen
  ended(job, 'canceled')
  stop_run(job)
  return true
end

-- Deletes a job that has left its place, and everything that is stored of it.
local function remove(job)
  local id = job.id
  ended(job, 'deleted')
  redis.call('DEL', job_key(id), dependencies_key(id), results_key(id), executions_key(id))
  if not job.held then redis.call('DEL', dependents_key(id)) end
  job.removed = true
end

-- Ends a job that has left its place. It is kept for so many seconds, -1 for ever. For 0 it is removed, unless it is
-- repeated, or a hook holds it: its dependents have to see how it ended.
local function end_job(job, status, ttl)
  job.ttl, job.has_result = ttl, ttl ~= 0
  if ttl == 0 then
    redis.call('HSET', job_key(job.id), 'status', status, 'ended_at', iso())
    ended(job, status)
    if not job.held and not job.again then remove(job) end
    return
  end
  local score = ttl > 0 and now + ttl or status == 'finished' and '+inf' or -1 -- for ever: as RQ has it
  enter(job, status, score, 'ended_at', iso())
  for _, key in ipairs({job_key(job.id), dependents_key(job.id), dependencies_key(job.id)}) do expire(key, ttl) end
  ended(job, status)
end

-- Ends a job as finished, with its result as add_success() takes it.
local function succeed(job, ttl, payload, from, to, run)
  job.outcome = from == '0' and payload or string.sub(payload, from, to)
  if ttl ~= '0' then add_success(job.id, ttl, payload, from, to, run.worker, run.e, run.attempt, run.worked) end
  end_job(job, 'finished', tonumber(ttl))
end

-- Ends a job as failed or stopped: with RQ's type of the result, the text of the failure, and its run, see add_failure().
local function fail(job, status, kind, ttl, text, run)
  job.outcome = text
  add_failure(job, kind, ttl, text, run)
  end_job(job, status, ttl)
end
`;
