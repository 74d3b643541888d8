/** What is called when a job ends. @module */

import { CALLBACK_TIMEOUT } from "../../job/callback.ts";
import type { Hook } from "./hook.ts";
import { PYTHON_CALLBACK_LUA } from "./python_callback.ts";

/**
 * RQ's callbacks. RQ calls them in the process of the job or of the worker, where they are lost with it, and their error
 * becomes the job's. Here a callback is a job of its own, enqueued in the step that ends the job, at the head of its
 * queue. It has no callbacks itself.
 *
 * It takes along what it is told, since the job may be gone or run again by then.
 */
export const CALLBACKS: Hook = {
  name: "callbacks",
  reads: [
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
  ],
  marks: ["success_callback_name"],
  lua: `
-- What is told of a job that ends, as fields of the job that is told: see lib/store/ended_job.ts.
local function told_of(job, status, outcome)
  local h = redis.call('HMGET', job_key(job.id), 'meta', 'enqueued_at', 'started_at', 'ended_at', 'worker_name')
  for i = 1, 5 do h[i] = h[i] or '' end
  local packed = cmsgpack.pack({'id', job.id, 'origin', job.q, 'status', status, 'meta', h[1], 'enqueued_at', h[2],
    'started_at', h[3], 'ended_at', h[4], 'worker_name', h[5]})
  return 'x_ended', packed, 'x_ended_data', job.data or '', 'x_ended_outcome', outcome or ''
end

-- The id of a job that is made when a job ends: another one for each end, the same for none.
local function id_at_end(job, purpose)
  local e = job.x_execution
  return job.id .. '-' .. purpose .. '-' .. (e and e ~= '' and e or string.format('%.0f', clock * 1000000))
end

-- The data of a callback, and what else it has. If its name may be Python's, and a Python worker may come first, it is
-- what both can run.
local function callback_data(name, kind, job)
  if string.find(name, '^[%w_.]+$') and python_listens(job.q) then
    return python_callback(name, kind, job.id)
  end
  return '[' .. cjson.encode(name) .. ',null,[],{}]', {}
end

-- Enqueues the callback of a job.
local function enqueue_callback(job, status, kind, name) -- rare
  local timeout = seconds(field(job.id, kind .. '_callback_timeout') or nil, ${CALLBACK_TIMEOUT})
  local to, isolation = target(job.q, true), field(job.id, 'x_isolation')
  local data, more = callback_data(name, kind, job)
  local new_job = {id_at_end(job, 'on-' .. kind), '0', '0', 'created_at', iso(), 'data', data,
    'description', name .. ', on ' .. kind .. ' of ' .. job.id, 'timeout', timeout ~= 0 and timeout or ${CALLBACK_TIMEOUT},
    'x_callback', kind .. ' ' .. name, told_of(job, status, job.outcome)}
  if isolation then more = {'x_isolation', isolation, unpack(more)} end
  for _, value in ipairs(more) do new_job[#new_job + 1] = value end
  spawn(new_job, to)
  push_gathered(to)
end

-- A job that was canceled or deleted has none.
local function callbacks_ended(job, status)
  local kind = status == 'finished' and 'success' or status == 'failed' and 'failure' or status
  local name = job[kind .. '_callback_name']
  if name and name ~= '' then enqueue_callback(job, status, kind, name) end
end
${PYTHON_CALLBACK_LUA}`,
};
