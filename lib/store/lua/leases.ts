/**
 * Leases: members `<job>:<execution>` of `wip`, scored with their end; our scores are a margin later. A member that is
 * only a job's id, as RQ 1.x writes it, belongs to the execution `""`.
 *
 * @module
 */

import { EXECUTION_ID_LENGTH } from "../execution_id.ts";
import { LEASE_MARGIN } from "../lease.ts";

/** When the lease of an execution `e` ends, computed from its `score`. */
const LEASE_END =
  `tonumber(score) - (#e == ${EXECUTION_ID_LENGTH} and ${LEASE_MARGIN} or 0)`;

/** See {@linkcode link}. */
export const LEASES_LUA: string = `
-- When the lease of an execution ends.
local function lease_end(e, score)
  return ${LEASE_END}
end

-- Whether an execution has a lease that has not ended.
local function holds(id, q, e)
  local score = redis.call('ZSCORE', registry_key('wip', q), id .. ':' .. e)
  return score and lease_end(e, score) > now
end

-- The executions that Python workers have recorded.
local function python_executions(id)
  local list = redis.pcall('ZRANGE', executions_key(id), 0, 99)
  return list.err and {} or list
end

-- The job and the execution in a member of wip.
local function parts_of(member)
  local id, e = string.match(member, '^(.*):([^:]*)$')
  if id then return id, e end
  return member, ''
end

-- The execution whose lease still holds, or nil; "own" is the job's x_execution.
local function live_execution(id, q, own)
  local wip, list = registry_key('wip', q), redis.pcall('ZRANGE', executions_key(id), 0, 99) -- of Python workers
  if list.err then list = {} end
  list[#list + 1] = own or nil
  for _, e in ipairs(list) do
    local score = redis.call('ZSCORE', wip, id .. ':' .. e)
    if score and ${LEASE_END} > now then return e end
  end
  local plain = redis.call('ZSCORE', wip, id) -- as RQ 1.x writes it
  if plain and tonumber(plain) > now then return '' end
end

-- Removes the lease of one execution and the records of its heartbeats; returns whether it had a lease.
local function drop_execution(id, q, e, worker)
  local held = unregister('wip', q, id .. ':' .. e)
  if redis.call('DEL', execution_key(id, e)) == 1 then -- it had a heartbeat
    redis.pcall('ZREM', executions_key(id), e)
    if worker then redis.pcall('SREM', worker_executions_key(worker), id .. ':' .. e) end
  end
  return held == 1
end

-- Takes a job away from the worker that runs it: usually one execution of ours, else Python workers.
local function drop_executions(job)
  local id, q, own = job.id, job.q, job.x_execution
  if own and own ~= '' and drop_execution(id, q, own, job.worker_name) then return end
  for _, e in ipairs(python_executions(id)) do drop_execution(id, q, e, job.worker_name) end
  unregister('wip', q, id)
end
`;
