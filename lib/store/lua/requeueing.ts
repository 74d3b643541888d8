/** Putting jobs back on their queue because somebody asks for it. @module */

import type { JobField } from "../../job/fields.ts";

/** The fields that `requeue_job` needs of `get_job`. */
const FIELDS: readonly JobField[] = [
  "x_change",
  "enqueued_at",
  "started_at",
  "created_at",
  "x_unique_how",
  "ttl",
];

/** See {@linkcode link}. */
export const REQUEUEING_LUA: string = `
-- A job as requeue_job() takes it.
local function get_job_to_requeue(id)
  return get_job(id, ${FIELDS.map((name) => `'${name}'`).join(", ")})
end

-- Forgets the attempts and steps of a job that has finished: only one that has not goes on where it was.
local function begin_anew(id, key) -- rare
  redis.call('HDEL', key, 'x_attempts')
  if field(id, 'x_steps') then forget_steps(key) end
end

-- Puts a job that has ended, or is not due yet, on its queue, or among those that wait for their turn or a slot, as if it
-- had just been enqueued. The hash keeps the token of the call. Returns 'requeued'; or 'held' and the job that has its
-- unique key by now; or 'unfit' where a key of the next place holds another type of value.
local function requeue_job(job, front, token)
  if not job.origin or not can_admit(job) then return 'unfit', '' end
  local holder = job.x_unique and taken_from(job)
  if holder and holder.id ~= job.id then return 'held', holder.id end
  local key, was_started = job_key(job.id), (job.started_at or '') ~= ''
  leave(job)
  if job.status == 'finished' then begin_anew(job.id, key)
  elseif was_started then redis.call('HSETNX', key, 'x_attempts', 1) end -- a first start is seen by started_at alone
  redis.call('HDEL', key, 'started_at', 'ended_at', 'x_execution', 'x_abandoned', 'x_decided_by',
    'x_stop', 'x_stop_by', 'x_stop_reason')
  local life = job.status == 'scheduled' and redis.call('TTL', key) or -1 -- the time until it was due does not count
  keep(job.id, life >= 0 and seconds(job.ttl, life) or -1)
  admit(job, nil, front, 'x_change', token)
  if job.x_unique and not holder then hold_again(job) end
  rejoin_group(job)
  return 'requeued', ''
end
`;
