/** Reads a job's hash. Anybody may have written it, and its key may hold another type. @module */

import type { JobField } from "../../job/fields.ts";
import { ENDED_STATUSES } from "../../job/status.ts";
import { HOOKS } from "../hooks/hooks.ts";

/** The fields that are needed to move a job, and those that its hooks read. */
const FIELDS: readonly JobField[] = [
  ...new Set<JobField>([
    "data",
    "status",
    "origin",
    "x_execution",
    "worker_name",
    ...HOOKS.flatMap(({ reads }) => reads),
  ]),
];

const values = FIELDS.map((name, i) => `${name} = h[${i + 1}]`);

/** See {@linkcode link}. */
export const JOBS_LUA: string = `
-- A job as the verbs and hooks take it: its id, its queue "q", and fields of its hash by their names. Further fields are
-- read too. A job that does not exist has no data.
local function get_job(id, ...)
  local h = redis.pcall('HMGET', job_key(id), ${
  FIELDS.map((name) => `'${name}'`).join(", ")
}, ...)
  local job = {id = id, ${values.join(", ")}}
  for i, name in ipairs({...}) do job[name] = h[${FIELDS.length} + i] end
  job.q, job.status = job.origin or '', job.status or ''
  return job
end

-- Whether there is such a job: a hash that has data.
local function is_job(id)
  return redis.pcall('HEXISTS', job_key(id), 'data') == 1
end

-- One field as text, or false.
local function field(id, name)
  local value = redis.pcall('HGET', job_key(id), name)
  return type(value) == 'string' and value
end

-- Whether a job of this status has ended.
local function has_ended(status)
  return ${ENDED_STATUSES.map((name) => `status == '${name}'`).join(" or ")}
end

-- The number in a field, 0 if it is none.
local function whole(text)
  local number = tonumber(text or '')
  return number and number > 0 and number < 1e9 and math.floor(number) or 0
end

-- Sets the expiry of all keys of a job, in seconds; -1 for never.
local function keep(id, ttl)
  for _, key in ipairs({job_key(id), results_key(id), log_key(id), dependents_key(id), dependencies_key(id)}) do
    expire(key, ttl)
  end
end

-- Tells the worker that runs a job to kill it.
local function stop_run(job)
  if job.status ~= 'started' or not job.worker_name then return end
  redis.call('PUBLISH', channel(job.worker_name), cjson.encode({command = 'stop-job', job_id = job.id}))
end

-- The same of one execution; Python's workers before 3.0 do not know this command.
local function stop_execution(job, e)
  if not job.worker_name then return end
  local command = {command = 'stop-execution', job_id = job.id, execution_id = e}
  redis.call('PUBLISH', channel(job.worker_name), cjson.encode(command))
end
`;
