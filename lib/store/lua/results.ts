/** Results. @module */

/** See {@linkcode link}. */
export const RESULTS_LUA: string = `
-- Adds an entry to the stream of a job's results. If the key holds another type of value, it is replaced.
-- "text" is the value that may be long.
local function add_result(id, ttl, text, ...)
  local key = results_key(id)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'stream' and kind ~= 'none' then redis.call('DEL', key) end
  local entry = redis.pcall('XADD', key, 'MAXLEN', '~', 10, '*', ...)
  if type(entry) == 'table' then -- a stream with the last possible id takes no more
    redis.call('DEL', key)
    redis.call('XADD', key, '*', ...)
  end
  -- Redis reserves 4 KB for a new stream. Restored from its own dump, a small result takes 752 instead of 4,728 bytes.
  if kind ~= 'stream' and #text < 2048 then
    local dump = redis.pcall('DUMP', key) -- some servers forbid it; there it takes 4 KB
    local small = type(dump) == 'string' and redis.pcall('RESTORE', key, ttl < 0 and 0 or ttl * 1000, dump, 'REPLACE')
    if small and not small.err then return end
  end
  expire(key, ttl)
end

-- Who ran an execution, as which attempt, and when, as fields and values of a result; "worked" are the seconds that it
-- took, nil if nobody knows; "facts" are further fields and values, or nil.
local function details(worker, e, attempt, worked, facts)
  local values = {'worker_name', worker, 'execution_id', e, 'x_attempt', attempt,
    'execution_ended_at', string.format('%.6f', clock)}
  if tonumber(worked) then
    values[9], values[10] = 'execution_started_at', string.format('%.6f', clock - worked)
  end
  for _, value in ipairs(facts or {}) do values[#values + 1] = value end
  return unpack(values)
end

-- Stores how an attempt has failed, as a result of this type of RQ's: 2 failed, 3 stopped, 4 retried, 5 out of
-- retries. "run" has the worker, the execution "e", the attempt, the seconds that it worked, and further facts.
local function add_failure(job, kind, ttl, text, run)
  if ttl == 0 then return end
  add_result(job.id, ttl, text, 'type', kind, 'exc_string', text,
    details(run.worker, run.e, run.attempt, run.worked, run.facts))
end

-- Stores the result of a success together with who ran it and when.
local function add_told_success(id, ttl, text, ...) -- rare
  local values = text == '' and {'type', 1} or {'type', 1, 'return_value', text}
  for _, value in ipairs({details(...)}) do values[#values + 1] = value end
  add_result(id, tonumber(ttl), text, unpack(values))
end

-- Stores the result of a success: the payload itself; or the payload is the dump of a stream that holds the result, which
-- is the part from "from" to "to". A dump is only taken if there are no earlier results, and not by all servers. "ttl" is
-- text here. Who ran it and when stands in the job, and is told here only beside earlier attempts.
local function add_success(id, ttl, payload, from, to, ...)
  local text = payload
  if from ~= '0' then
    local stored = redis.pcall('RESTORE', results_key(id), ttl == '-1' and '0' or ttl .. '000', payload)
    if not stored.err then return end
    text = string.sub(payload, from, to)
  end
  if redis.call('EXISTS', results_key(id)) == 1 then return add_told_success(id, ttl, text, ...) end
  if text == '' then return add_result(id, tonumber(ttl), text, 'type', 1) end
  add_result(id, tonumber(ttl), text, 'type', 1, 'return_value', text)
end
`;
