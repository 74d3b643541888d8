/** Deregistering a worker. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Removes a worker that leaves from the sets; its hash stays for a minute, as in RQ.
 *
 * ```
 * KEYS  1 the worker's hash   2 the set of all workers
 * ARGV  1 key prefix   2 worker name   3 instance   4 … names of its queues
 * reply 1 if it was registered under this instance, else 0
 * ```
 */
export const DEREGISTER: Script = script(
  "deregister",
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
);
