/** Adding to the log of a running job. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Adds lines to a running job's log, for its own execution, and drops the oldest ones if there are too many.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its log
 * ARGV  1 key prefix   2 job id   3 the execution's id   4 the number of this call within the execution
 *       5 how many bytes are kept   6 how many lines before these were dropped   7 which start of the job it is
 *       then pairs of a source and a text
 * reply 1 if they are there, 0 if the job is another's by now
 * ```
 *
 * The hash has the bytes that are kept, the lines that there ever were, and the last call, to recognize it if it is repeated.
 */
export const ADD_LOG: Script = script(
  "add_log",
  `
local h = redis.pcall('HMGET', KEYS[1], 'status', 'x_execution', 'origin', 'x_log')
if h.err or h[1] ~= 'started' or h[2] ~= ARGV[3] then return 0 end
local kept, lines, last = string.match(h[4] or '', '^(%d+) (%d+) (%S+)$')
local call = ARGV[3] .. ':' .. ARGV[4]
if last == call then return 1 end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'stream' then
  -- only if it is there: after a DEL, a Redis that is full would not refuse the lines
  if kind ~= 'none' then redis.call('DEL', KEYS[2]) end
  kept = '0' -- the lines have expired, since Python has requeued the job
end
local count, bytes = add_lines(KEYS[2], whole(lines) + ARGV[6], ARGV[7], {unpack(ARGV, 8)})
bytes = bytes + whole(kept)
if bytes > ARGV[5] + 0 then bytes = drop_lines(KEYS[2], bytes, ARGV[5] + 0) end
redis.call('HSET', KEYS[1], 'x_log', string.format('%d %d %s', math.max(bytes, 0), count, call))
if is_watched() then write_event('log', h[3] or '', {ARGV[2]}) end
return 1
`,
);
