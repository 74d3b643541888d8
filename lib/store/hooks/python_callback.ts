/**
 * How a Python worker runs a callback. It takes a job's arguments as JSON, and a callback of RQ's wants the job and the
 * connection: so what it is given to call is `exec`, with the few lines that look them up.
 *
 * Workers of both languages take such a callback off the queue, and one of them may not have the function. There it
 * fails, and is tried again, in the hope of meeting another worker. Where the function is known it is called once.
 *
 * @module
 */

/** After how many seconds it is tried again: 1, 2, 3, … for half an hour in all. */
const INTERVALS = Array.from({ length: 60 }, (_, i) => i + 1);

/**
 * RQ's `execute_success_callback()` and so on, for a job of its own. Its names are `job_id`, `kind` and `callback`. Whoever
 * writes jobs into Redis can have Python workers call any function in any case.
 */
const CODE = `
import base64, json, zlib
from rq import get_current_job
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.utils import import_attribute
this = get_current_job()
redis = this.connection
data, outcome = redis.hmget(this.key, "x_ended_data", "x_ended_outcome")
outcome = base64.b64decode(outcome or b"")
try:
    job = Job.fetch(job_id, connection=redis, serializer=this.serializer)
except NoSuchJobError:
    job = Job(job_id, connection=redis, serializer=this.serializer)
    job.data = zlib.decompress(data) if data[:1] == b"x" else data
run = import_attribute(callback)
this.retries_left = 0
if kind == "success":
    run(job, redis, json.loads(outcome) if outcome else None)
elif kind == "failure":
    error = Exception(zlib.decompress(outcome).decode() if outcome else "")
    run(job, redis, type(error), error, None)
else:
    run(job, redis)
`.trim();

/** The code as JSON, as a string of Lua. */
const QUOTED = `'${
  JSON.stringify(CODE).replaceAll("\\", "\\\\").replaceAll("'", "\\'")
}'`;

/** See {@linkcode link}. */
export const PYTHON_CALLBACK_LUA: string = `
-- What a Python worker runs of a callback: its data as JSON, and what else it has.
local function python_callback(name, kind, id)
  local names = cjson.encode({job_id = id, kind = kind, callback = name})
  return '["builtins.exec",null,[' .. ${QUOTED} .. ',' .. names .. '],{}]', {'retries_left', ${INTERVALS.length},
    'retry_intervals', '${
  JSON.stringify(INTERVALS)
}', 'enqueue_at_front_on_retry', 1}
end

-- Whether one of a queue's workers is RQ's, as far as a hundred of them tell.
local function python_listens(q)
  for _, key in ipairs(redis.pcall('SRANDMEMBER', queue_workers_key(q), 100)) do
    local h = redis.pcall('HMGET', key, 'birth', 'x_instance', 'death')
    if h[1] and not h[2] and not h[3] then return true end
  end
  return false
end
`;
