/** Behind the `yield` of a job. @module */

import { MOST_PART_BYTES, MOST_PARTS } from "../../job/parts.ts";
import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Adds parts that a running job has yielded to its stream, for its own execution. The first ones of a run replace those of
 * the run before, and an entry that says so comes before them.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its parts
 * ARGV  1 key prefix   2 the execution's id   3 for how many seconds the stream is kept unless more comes
 *       4 which start of the job it is   5 how many parts this run has yielded before   6 … the parts
 * reply "kept", also if they were before   "full" there is no room for them   "lost" the job is another's by now
 * ```
 */
export const EMIT: Script = script(
  "emit",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution', 'x_stream')
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[2] then return 'lost' end
local run, count, bytes = string.match(h[3] or '', '^(%S+) (%d+) (%d+)$')
local is_first = run ~= ARGV[2]
if is_first then count, bytes = 0, 0 end
local to = ARGV[5] + #ARGV - 5
if count + 0 >= to then return 'kept' end
for i = 6, #ARGV do bytes = bytes + #ARGV[i] end
if to > ${MOST_PARTS} or bytes > ${MOST_PART_BYTES} then return 'full' end
if not holds_only('stream', KEYS[2]) then redis.call('DEL', KEYS[2]) end
if is_first then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
  redis.call('XADD', KEYS[2], '*', 'attempt', ARGV[4])
end
for i = 6, #ARGV do redis.call('XADD', KEYS[2], '*', 'part', ARGV[i]) end
redis.call('HSET', KEYS[1], 'x_stream', string.format('%s %d %d', ARGV[2], to, bytes))
expire(KEYS[2], ARGV[3])
return 'kept'
`,
);
