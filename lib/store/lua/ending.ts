/** Ends of jobs. @module */

/** See {@linkcode link}. */
export const ENDING_LUA: string = `
-- Takes a job out of everything, its keys included; its dependents not where they are being released.
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

-- Forgets a job whose end is not kept, once its dependents are released.
local function discard(id, q, status, released)
  if released == '0' then return forget(id, q) end
  wake(id, status)
  hold(id, q, status, 0)
end

-- Ends a job as failed or stopped.
local function fail(id, q, status, ttl, text, worker, e)
  redis.call('HSET', job_key(id), 'status', status, 'ended_at', iso())
  wake_children(id)
  if ttl == 0 then return end -- to be discarded, once its dependents have seen it
  add_result(id, ttl, text, 'type', 2, 'exc_string', text, 'worker_name', worker, 'execution_id', e)
  register(id, q, 'failed', ttl < 0 and -1 or now + ttl)
  keep(id, ttl)
end
`;
