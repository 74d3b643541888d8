/** The scripts of a worker's own life. @module */

import { Script } from "../../redis/script.ts";
import { TIME_LUA, withPrelude } from "./prelude.ts";

/**
 * Registers a worker, unless one of its name lives.
 *
 * ```
 * KEYS  1 the worker's hash   2 the set of all workers
 * ARGV  1 key prefix   2 worker name   3 instance   4 ttl in seconds
 *       5 seconds without a heartbeat after which a worker of ours is dead
 *       6 number n of queues   7 … 6+n their names   then fields and values of the hash
 * reply { "registered", birth }   { "taken", hostname, pid, last heartbeat }
 * ```
 *
 * A hash with \`death\` is a worker that has left. RQ's idle workers write a heartbeat only every
 * few minutes, so one of theirs counts as alive as long as its hash exists.
 */
export const REGISTER: Script = new Script(
  "register",
  withPrelude(
    [TIME_LUA],
    `
local name, instance, ttl, silence, n = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local old = redis.call('HMGET', KEYS[1], 'x_instance', 'death', 'x_heartbeat', 'hostname', 'pid', 'last_heartbeat', 'birth')
local exists = redis.call('EXISTS', KEYS[1]) == 1
if exists and old[1] ~= instance and not old[2] then
  local heartbeat = tonumber(old[3] or '')
  if not old[1] or not heartbeat or now - heartbeat < silence then
    return {'taken', old[4] or '', old[5] or '', old[6] or ''}
  end
end
local birth = exists and old[1] == instance and old[7] or iso()
if not exists or old[1] ~= instance then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'birth', birth, 'last_heartbeat', iso(), 'x_heartbeat', now, 'x_instance', instance,
  'state', 'idle', unpack(ARGV, 7 + n))
redis.call('EXPIRE', KEYS[1], ttl)
redis.call('SADD', KEYS[2], KEYS[1])
for i = 7, 6 + n do redis.call('SADD', queue_workers_key(ARGV[i]), KEYS[1]) end
return {'registered', birth}
`,
  ),
);

/**
 * Takes a worker that leaves out of the sets; its hash stays for a minute, as in RQ.
 *
 * ```
 * KEYS  1 the worker's hash   2 the set of all workers
 * ARGV  1 key prefix   2 worker name   3 instance   4 … names of its queues
 * reply 1 if it was registered under this instance, else 0
 * ```
 */
export const DEREGISTER: Script = new Script(
  "deregister",
  withPrelude(
    [TIME_LUA],
    `
local known = redis.call('HGET', KEYS[1], 'x_instance')
if known and known ~= ARGV[3] then return 0 end
redis.call('SREM', KEYS[2], KEYS[1])
for i = 4, #ARGV do redis.call('SREM', queue_workers_key(ARGV[i]), KEYS[1]) end
redis.call('DEL', worker_executions_key(ARGV[2]))
if not known then return 0 end
redis.call('HSET', KEYS[1], 'death', iso())
redis.call('EXPIRE', KEYS[1], 60)
return 1
`,
  ),
);

/**
 * Writes fields of a worker's hash, if it is there and of this instance.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 instance   then fields and values
 * reply 1 if written, else 0
 * ```
 */
export const SET_WORKER_FIELDS: Script = new Script(
  "set_worker_fields",
  `
if redis.call('HGET', KEYS[1], 'x_instance') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
`,
);

/**
 * Shows that a worker runs nothing, if its hash is there and of this instance.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 instance
 * reply 1 if written, else 0
 * ```
 */
export const SHOW_IDLE: Script = new Script(
  "show_idle",
  `
if redis.call('HGET', KEYS[1], 'x_instance') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'state', 'idle')
redis.call('HDEL', KEYS[1], 'current_job', 'current_job_working_time')
return 1
`,
);
