/** Retries of failed jobs, and putting jobs back. @module */

import { MAX_SECONDS } from "../../base/duration.ts";

/** See {@linkcode link}. */
export const RETRIES_LUA: string = `
-- The wait before a job's next retry, in seconds; "left" retries are left, the next one among them.
local function retry_interval(job, left, random)
  local ok, intervals = pcall(cjson.decode, job.retry_intervals or '[]')
  if not ok or type(intervals) ~= 'table' then intervals = {} end
  -- the index of rq.job.Job.get_retry_interval: a short list repeats its first number
  local wait = tonumber(intervals[math.min(math.max(#intervals - left, 0) + 1, #intervals)]) or 0
  local jitter = tonumber(job.x_retry_jitter or '') or 0
  if jitter > 0 and jitter <= 1 then wait = wait * (1 + jitter * (2 * random - 1)) end
  return wait > 0 and math.min(wait, ${MAX_SECONDS}) or 0
end

-- How to try a job again that has failed: after how many seconds, whether at the head of the queue, and what it has then
-- left and asked for; nil if it is not to be tried again. A wish ("how") of the job itself comes before its retry option,
-- and counts as one of its retries.
local function next_retry(job, wish)
  local left, asked, most = whole(job.retries_left), wish.how == 'again', tonumber(wish.max)
  local count = whole(job.number_of_retries)
  if wish.how == 'never' or not asked and left < 1 then return nil end
  if asked and most and count >= most then return nil end
  if asked and not most and job.retries_left and left < 1 then return nil end
  local wait = tonumber(wish.after) or retry_interval(job, left, tonumber(wish.random) or 0.5)
  local front = job.enqueue_at_front_on_retry == '1'
  return {interval = wait, front = front, left = math.max(left - 1, 0), count = asked and count + 1}
end

-- What becomes of a job whose execution has ended, and the retry if there is one: a failure may become "retried" or
-- "scheduled". "stuck": a key of its next place holds another type of value.
local function outcome_of(job, outcome, wish)
  local retry = outcome == 'failed' and next_retry(job, wish) or nil
  local again = retry or outcome == 'finished' and next_repeat(job)
  if again and not can_admit(job, clock + again.interval) then return 'stuck' end
  if retry then return retry.interval > 0 and 'scheduled' or 'retried', retry end
  if (outcome == 'requeued' or outcome == 'released') and not can_enter(job, 'queued') then return 'stuck' end
  return outcome
end

-- Puts a job that has failed back on its queue, or among the scheduled ones. How the attempt ended is kept with the job.
-- By ended_at, PROMOTE_SCHEDULED knows that it comes from a retry, and heeds enqueue_at_front_on_retry.
local function try_again(job, retry, ttl, text, run)
  add_failure(job, 4, ttl, text, run)
  local key = job_key(job.id)
  if job.retries_left then redis.call('HSET', key, 'retries_left', retry.left) end
  if retry.count then redis.call('HSET', key, 'number_of_retries', retry.count) end
  admit(job, clock + retry.interval, retry.front, 'ended_at', iso())
end

-- Takes back that a job was started.
local function uncount_start(job)
  local key, attempts = job_key(job.id), whole(job.x_attempts)
  redis.call('HDEL', key, 'started_at', 'worker_name', 'x_execution')
  if attempts > 1 then redis.call('HSET', key, 'x_attempts', attempts - 1) end
end

-- Puts a job back as if it had not been claimed: it was admitted before, and keeps its enqueued_at. From now on it may wait
-- for "ttl" seconds.
local function put_back(job, ttl)
  uncount_start(job)
  enter(job, 'queued', true)
  expire(job_key(job.id), ttl)
end
`;
