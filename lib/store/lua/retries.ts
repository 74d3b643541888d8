/** Retries of failed jobs, and putting jobs back. @module */

/** See {@linkcode link}. */
export const RETRIES_LUA: string = `
-- How to try a job again that has failed: after how many seconds, with how many retries left, and whether at the head of
-- the queue; nil if no retry is left.
local function next_retry(job)
  local left = whole(job.retries_left)
  if left < 1 then return nil end
  local ok, intervals = pcall(cjson.decode, job.retry_intervals or '[]')
  if not ok or type(intervals) ~= 'table' then intervals = {} end
  -- the index of rq.job.Job.get_retry_interval: a short list repeats its first number
  local interval = tonumber(intervals[math.max(#intervals - left, 0) + 1]) or 0
  return {interval = interval, left = left - 1, front = job.enqueue_at_front_on_retry == '1'}
end

-- What becomes of a job whose execution has ended, and the retry if there is one: a failure may become "retried" or
-- "scheduled". "stuck": a key of its next place holds another type of value.
local function outcome_of(job, outcome)
  local retry = outcome == 'failed' and next_retry(job) or nil
  local again = retry or outcome == 'finished' and next_repeat(job)
  if again and not can_admit(job, clock + again.interval) then return 'stuck' end
  if retry then return retry.interval > 0 and 'scheduled' or 'retried', retry end
  if (outcome == 'requeued' or outcome == 'released') and not can_push(job.q) then return 'stuck' end
  return outcome
end

-- Puts a job whose execution is over back on its queue, or among the scheduled ones.
local function go_on(job, answer, retry)
  if answer == 'requeued' then return enter(job, 'queued', true, 'enqueued_at', iso()) end
  admit(job, clock + retry.interval, retry.front, 'ended_at', iso(), 'retries_left', retry.left)
end

-- Puts a job back as if it had not been claimed; from now on it may wait for "ttl" seconds.
local function put_back(job, ttl)
  local key, attempts = job_key(job.id), whole(job.x_attempts)
  redis.call('HDEL', key, 'started_at', 'worker_name', 'x_execution')
  if attempts > 1 then redis.call('HSET', key, 'x_attempts', attempts - 1) end
  enter(job, 'queued', true)
  expire(key, ttl)
end
`;
