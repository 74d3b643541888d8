/**
 * Schedules: jobs that are made again and again. The name of each is in a sorted set, scored with its next slot, the
 * time of its next run; infinity if there is none. Whoever moves that score from a slot on to the next one has claimed
 * the slot, and makes its job in the same step.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../../job/options.ts";
import { MAX_DELAY } from "../../base/timers.ts";

/** How many runs a schedule remembers. */
const MOST_RUNS = 100;

/** RQ's `DEFAULT_CRON_JOB_HISTORY_LIMIT` and `DEFAULT_CRON_JOB_HISTORY_TTL`, a year in seconds. */
const [RQ_RUNS, RQ_RUNS_TTL] = [1_000, 31_536_000];

/** See {@linkcode link}. */
export const SCHEDULES_LUA: string = `
-- A schedule as its hash has it; nil if there is none.
local function get_schedule(name)
  local h = redis.pcall('HMGET', schedule_key(name), 'id', 'job', 'has_job_id', 'overlap', 'last_job', 'last_slot', 'paused')
  if not h[1] then return nil end
  return {name = name, id = h[1], job = h[2] or '', has_job_id = h[3] == '1', overlap = h[4], last_job = h[5],
    last_slot = h[6], paused = h[7] == '1'}
end

-- Whether nothing of another type is under the keys of a schedule.
local function schedule_fits(name)
  return holds_only('zset', SCHEDULES) and holds_only('hash', schedule_key(name))
end

-- Sets the next slot of a schedule, and tells the worker that has the turn at schedules if it comes before all others. That
-- worker looks by itself each time that it takes the turn anew.
local function set_slot(name, slot)
  redis.call('ZADD', SCHEDULES, slot, name)
  if redis.call('ZRANGE', SCHEDULES, 0, 0)[1] ~= name then return end
  local worker = redis.pcall('GET', turn_key('schedules'))
  if type(worker) ~= 'string' then return end
  local ms = math.max(0, math.min(math.ceil((tonumber(slot) - clock) * 1000), ${MAX_DELAY}))
  redis.pcall('PUBLISH', channel(worker), cjson.encode({command = 'x-schedules', ms = ms}))
end

-- The job of a schedule, with an id and a date of its own, and the queue that it goes to; nil if what is stored is none.
local function job_of_schedule(schedule, id)
  local ok, queue, side, _, _, jobs = pcall(cmsgpack.unpack, schedule.job)
  local job = ok and type(jobs) == 'table' and jobs[1]
  if type(job) ~= 'table' or type(queue) ~= 'string' or queue == '' then return nil end
  for i = 1, #job do
    if type(job[i]) ~= 'string' then return nil end
  end
  if #job < NEW_FIELDS + 1 or not tonumber(job[NEW_TTL]) or not tonumber(job[NEW_DUE]) then return nil end
  if not schedule.has_job_id then job[NEW_ID] = id end
  for i = NEW_FIELDS, #job, 2 do
    if job[i] == 'created_at' then job[i + 1] = iso() end
  end
  return job, target(queue, side == 'L')
end

-- The last job of a schedule, if it has not ended.
local function unended_job(schedule)
  if not schedule.last_job then return nil end
  local job = get_job(schedule.last_job)
  if job.data and not has_ended(job.status) then return job end
end

-- Makes the job of a run; returns what came of it: the outcome, the job's id, and another job that it is about or why.
local function try_run(schedule, id)
  local last = unended_job(schedule)
  if last and schedule.overlap == 'skip' then return {outcome = 'skipped', other = last.id} end
  local job, to = job_of_schedule(schedule, id)
  if not job then return {outcome = 'refused', why = 'what is stored of its job cannot be read'} end
  local canceled = last and schedule.overlap == 'replace' and cancel_job(last, 'schedule:' .. id, ${DEFAULT_FAILURE_TTL})
  local answer = enqueue_new(job, to)
  push_gathered(to)
  if answer.outcome == 'refused' then
    return {outcome = 'refused', why = answer.why ~= '' and answer.why or 'a key of its queue holds another type of value'}
  end
  if answer.outcome == 'no group' then return {outcome = 'refused', why = 'there is no group "' .. answer.group .. '"'} end
  local status = answer.outcome
  local is_new = status == 'queued' or status == 'deferred' or status == 'scheduled' or status == 'rate_limited'
  if not is_new then return {outcome = 'skipped', other = answer.id or job[NEW_ID]} end
  return {outcome = 'enqueued', job = job[NEW_ID], other = canceled and last.id or nil}
end

-- The same, where an error, such as over a key of another type, is no reason to stop either.
local function make_run(schedule, id)
  local fine, run = pcall(try_run, schedule, id)
  if fine then return run end
  return {outcome = 'refused', why = type(run) == 'table' and run.err or tostring(run)}
end

-- What a run that was noted has come to, as a reply.
local function run_reply(run)
  return {run.outcome, run.job or '', run.other or '', run.why or ''}
end

-- Remembers a run: in a list of ours, and its job where RQ remembers those of its cron jobs.
local function note_run(name, run)
  run.at = now_float
  redis.pcall('LPUSH', schedule_runs_key(name), cjson.encode(run))
  redis.pcall('LTRIM', schedule_runs_key(name), 0, ${MOST_RUNS - 1})
  if not run.job then return end
  redis.call('HSET', schedule_key(name), 'last_job', run.job, 'last_run', now_float)
  redis.pcall('ZADD', cron_jobs_key(name), now_float, run.job)
  redis.pcall('ZREMRANGEBYRANK', cron_jobs_key(name), 0, ${-RQ_RUNS - 1})
  redis.pcall('EXPIRE', cron_jobs_key(name), ${RQ_RUNS_TTL})
  redis.pcall('ZADD', CRON_NAMES, now_float, name)
end

-- Removes a schedule. Its jobs stay, and so does what RQ remembers of them.
local function remove_schedule(name)
  redis.call('ZREM', SCHEDULES, name)
  return redis.call('DEL', schedule_key(name), schedule_runs_key(name))
end
`;
