/** Registering a worker. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Registers a worker, unless a living one has its name.
 *
 * ```
 * KEYS  1 the worker's hash   2 the set of all workers
 * ARGV  1 key prefix   2 worker name   3 instance   4 ttl in seconds
 *       5 seconds without a heartbeat after which a worker of ours is dead
 *       6 number n of queues   7 … 6+n their names   then fields and values of the hash
 * reply { "registered", birth }   { "taken", hostname, pid, last heartbeat }
 * ```
 *
 * A hash with `death` belongs to a worker that has left. RQ's idle workers write a heartbeat only every
 * few minutes, so an RQ worker counts as alive as long as its hash exists.
 */
export const REGISTER: Script = script(
  "register",
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
);
