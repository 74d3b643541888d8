/** Behind `job.dependenciesAreMet()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Tells whether a job may run as far as some of its parents are concerned.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   then the ids of parents
 * reply 1 if it waits for none of them, else 0
 * ```
 */
export const DEPENDENCIES_MET: Script = script(
  "dependencies_met",
  `
local h = redis.pcall('HMGET', KEYS[1], 'allow_dependency_failures', 'x_if_parent_fails')
local edges = edges_of(h[1], h[2])
for i = 2, #ARGV do
  if weigh(edges, ARGV[i], field(ARGV[i], 'status')) ~= 'go' then return 0 end
end
return 1
`,
);
