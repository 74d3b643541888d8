/** Ends of jobs. @module */

import { DEFAULT_FAILURE_TTL } from "../../job/options.ts";

/** See {@linkcode link}. */
export const ENDING_LUA: string = `
-- Deletes what is stored of a job, after the hooks.
local function erase(job)
  local id = job.id
  redis.call('DEL', job_key(id), dependencies_key(id), results_key(id), executions_key(id))
  if not job.held then redis.call('DEL', dependents_key(id)) end
  job.removed = true
  tell(job, 'deleted')
end

-- Writes that a job that has left its place has ended, and that it is kept for so many seconds, -1 for ever. What is not
-- kept has no place.
local function write_end(job, status, ttl)
  job.ttl, job.has_result = ttl, ttl ~= 0
  if ttl == 0 then
    redis.call('HSET', job_key(job.id), 'status', status, 'ended_at', iso())
    return tell(job, status)
  end
  local score = ttl > 0 and now + ttl or status == 'finished' and '+inf' or -1 -- for ever: as RQ has it
  enter(job, status, score, 'ended_at', iso())
  for _, key in ipairs({job_key(job.id), dependents_key(job.id), dependencies_key(job.id)}) do expire(key, ttl) end
end

-- Writes that a job that has left its place is canceled. It is kept as long as a failure, and at least until it was seen.
local function write_cancel(job, ttl, ...)
  job.ttl = ttl == 0 and 60 or ttl
  enter(job, 'canceled', now, ...)
  redis.call('HDEL', job_key(job.id), 'x_execution')
  keep(job.id, job.ttl)
end

-- Ends a job that is not run because of a parent.
local function end_child(job, verdict, parent, status)
  local ttl = seconds(job.failure_ttl, ${DEFAULT_FAILURE_TTL})
  redis.call('HSET', job_key(job.id), 'x_decided_by', parent .. ' ' .. status)
  if verdict == 'cancel' then
    write_cancel(job, ttl)
    return call_hooks(job, 'canceled')
  end
  job.outcome = parent_failure(parent, status)
  if ttl ~= 0 then add_result(job.id, ttl, job.outcome, 'type', 2, 'exc_string', job.outcome) end
  write_end(job, 'failed', ttl)
  call_hooks(job, 'failed')
end

-- Ends or deletes what hooks have doomed, and what that dooms in turn; see end_doomed().
local function end_all_doomed() -- rare
  local unfinished = false
  while #doomed > 0 do
    local d = table.remove(doomed)
    local job = get_job(d.id, 'failure_ttl')
    local status = d.verdict == 'cancel' and 'canceled' or 'failed'
    if d.verdict == 'delete' then
      leave(job)
      stop_run(job)
    elseif job.status == 'deferred' and can_enter(job, status) then
      leave(job)
      end_child(job, d.verdict, d.parent, d.status)
    end
    if d.verdict == 'delete' or job.ttl == 0 and not job.held then
      call_hooks(job, 'deleted')
      erase(job)
    end
    unfinished = unfinished or job.held
  end
  return unfinished
end

-- Ends or deletes what hooks have doomed. That may doom others, until this call has done its share: the parents of the
-- rest are held. Returns whether there are such.
local function end_doomed()
  return #doomed > 0 and end_all_doomed()
end

-- Tells the hooks that a job has ended, and its hash shows the status ("finished", …); or that it is about to be deleted
-- ("deleted"). Then ends the jobs that end with it; if some are left for later, job.cursor says so.
local function ended(job, status)
  call_hooks(job, status)
  if end_doomed() and (job.cursor or '0') == '0' then job.cursor = 'begin' end
end

-- Cancels a job in any state; false if it cannot enter the place of canceled ones. A worker that runs it is told over its
-- channel, and loses the lease: it kills the job and records nothing. The hash keeps the token of who did it.
local function cancel_job(job, token, default_ttl)
  if not can_enter(job, 'canceled') then return false end
  local before, ttl = job.status, seconds(field(job.id, 'failure_ttl'), default_ttl)
  leave(job)
  write_cancel(job, ttl, 'x_change', token .. ' ' .. before)
  ended(job, 'canceled')
  stop_run(job)
  return true
end

-- Deletes a job that has left its place, and everything that is stored of it.
local function remove(job)
  ended(job, 'deleted')
  erase(job)
end

-- Ends a job that has left its place. It is kept for so many seconds, -1 for ever. For 0 it is removed, unless it is
-- repeated, or a hook holds it: its dependents have to see how it ended.
local function end_job(job, status, ttl)
  write_end(job, status, ttl)
  ended(job, status)
  if ttl == 0 and not job.held and not job.again then remove(job) end
end

-- Ends a job as finished, with its result as add_success() takes it.
local function succeed(job, ttl, payload, from, to, run)
  job.outcome = from == '0' and payload or string.sub(payload, from, to)
  if ttl ~= '0' and (job.repeats_left or run.facts[1]) then -- soon the job will tell of another run; or tells not all
    add_told_success(job.id, ttl, job.outcome, run.worker, run.e, run.attempt, run.worked, run.facts)
  elseif ttl ~= '0' then
    add_success(job.id, ttl, payload, from, to, run.worker, run.e, run.attempt, run.worked)
  end
  end_job(job, 'finished', tonumber(ttl))
end

-- Ends a job as failed or stopped: with RQ's type of the result, the text of the failure, and its run, see add_failure().
local function fail(job, status, kind, ttl, text, run)
  job.outcome = text
  add_failure(job, kind, ttl, text, run)
  end_job(job, status, ttl)
end
`;
