/** Behind `currentJob.step()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Keeps what a step of a running job has returned, for its own execution.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 the execution's id   3 the field of the step   4 its value
 * reply "kept", also if it was before   "full" there is no room for it   "lost" the job is another's by now
 * ```
 */
export const KEEP_STEP: Script = script(
  "keep_step",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution', 'x_steps', ARGV[3])
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[2] then return 'lost' end
if h[4] or keep_value(KEYS[1], h[3], ARGV[3], ARGV[4]) then return 'kept' end
return 'full'
`,
);
