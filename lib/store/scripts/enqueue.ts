/** Enqueueing plain jobs together. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { localsLua, NEW_JOBS } from "../records.ts";

/**
 * Stores jobs that depend on no others and may run at once, and puts them on their queue in the order given: all of them, or
 * none if an id is taken. ENQUEUE_EACH tells one from the other; its checks cost more than all that is done here.
 *
 * ```
 * KEYS  1 the queue's list
 * ARGV  1 key prefix   2 MessagePack: the values of NEW_JOBS, and a list of records NEW_JOB, each with another id
 * reply enqueued_at, the same for all; or "taken"
 *       an error if Redis refuses, mostly since a key of the queue holds another type of value; nothing was written
 * ```
 *
 * If the reply is lost and the call is repeated, its own jobs have taken the ids; then ENQUEUE_EACH recognizes them.
 */
export const ENQUEUE: Script = script(
  "enqueue",
  `
local ${localsLua(NEW_JOBS)}, jobs = cmsgpack.unpack(ARGV[2])
local ids, keys = {}, {}
for i, job in ipairs(jobs) do
  local id = job[NEW_ID]
  ids[i], keys[i] = id, job_key(id)
end
local count = redis.call('EXISTS', WATCHED, unpack(keys))
watched = count > 0 and redis.call('EXISTS', WATCHED) == 1
if count > (watched and 1 or 0) then return 'taken' end

-- What may be refused comes first, so that nothing is left behind.
local added = redis.pcall(side == 'L' and 'LPUSH' or 'RPUSH', KEYS[1], unpack(ids))
if type(added) == 'table' then return added end
added = redis.pcall('SADD', QUEUES, KEYS[1])
if type(added) == 'table' then
  for _, id in ipairs(ids) do redis.call('LREM', KEYS[1], side == 'L' and 1 or -1, id) end
  return added
end
-- Usually the client has formatted the date of this very second already.
local at = time[1] == second and date .. '.' .. string.sub(1000000 + time[2], 2) .. 'Z' or iso()
for i, job in ipairs(jobs) do
  redis.call('HSET', keys[i], 'origin', queue, 'status', 'queued', 'enqueued_at', at, unpack(job, NEW_FIELDS))
  if job[NEW_TTL] ~= '0' then redis.call('EXPIRE', keys[i], job[NEW_TTL]) end
end
if watched then write_event('queued', queue, ids) end
return at
`,
);
