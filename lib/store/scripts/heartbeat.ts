/** The heartbeat of a worker. @module */

import type { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { script } from "../lua/link.ts";

/**
 * Records a worker's heartbeat and extends the leases of its executions.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name   3 the worker's instance
 *       4 worker ttl in seconds   5 lease in seconds
 *       then triples of queue name, job id, execution id
 * reply { "ok" | "gone" | "replaced", then for each triple "ok" | "lost" | "stop" it is still the worker's, who is to stop it }
 * ```
 *
 * The execution records that RQ's monitors read are written here rather than by the claim, so that jobs that end
 * before their first heartbeat never need them. Here a worker learns that it has lost a job: whoever took it away
 * has changed the job's hash.
 */
export const HEARTBEAT: Script = script(
  "heartbeat",
  `
local worker, instance, ttl, lease = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local at = iso()
local answer = {'ok'}
local known = redis.call('HGET', KEYS[1], 'x_instance')
if not known then answer[1] = 'gone' elseif known ~= instance then answer[1] = 'replaced' end
if answer[1] == 'ok' then
  -- EXPIRE first: a full Redis accepts it, and then lets the script go on, so that no lease is lost for lack of memory
  redis.call('EXPIRE', KEYS[1], ttl)
  redis.call('HSET', KEYS[1], 'last_heartbeat', at, 'x_heartbeat', now)
end
for i = 6, #ARGV, 3 do
  local q, id, e = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local member = id .. ':' .. e
  -- the hash is the fence; a lease that only another program's clean-up has dropped is restored
  local h = redis.pcall('HMGET', job_key(id), 'status', 'x_execution', 'data', 'x_stop')
  local mine = h[1] == 'started' and h[2] == e and h[3]
  if answer[1] ~= 'replaced' and mine then
    register('wip', q, now + lease + ${LEASE_MARGIN}, member)
    redis.call('HSET', job_key(id), 'last_heartbeat', at)
    redis.call('HSETNX', execution_key(id, e), 'created_at', now_float)
    redis.call('HSET', execution_key(id, e), 'id', e, 'job_id', id, 'last_heartbeat', now_float, 'worker_name', worker)
    redis.call('EXPIRE', execution_key(id, e), lease + 60)
    -- pcall: a key that holds another type of value must not cost the jobs behind this one their leases
    local added = redis.pcall('ZADD', executions_key(id), now + lease + 60, e)
    if type(added) == 'number' then redis.call('EXPIRE', executions_key(id), lease + 60) end
    added = redis.pcall('SADD', worker_executions_key(worker), member)
    if type(added) == 'number' then redis.call('EXPIRE', worker_executions_key(worker), lease + 60) end
    answer[#answer + 1] = h[4] == e and 'stop' or 'ok'
  else
    -- a job that still belongs to this execution keeps its lease, by which the sweep finds it when it runs out
    if not mine then
      unregister('wip', q, member)
      redis.pcall('SREM', worker_executions_key(worker), member)
    end
    answer[#answer + 1] = 'lost'
  end
end
return answer
`,
);
