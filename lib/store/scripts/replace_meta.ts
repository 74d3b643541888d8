/** Behind `job.setMeta()` and `currentJob.setMeta()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Replaces a job's `meta` if nobody has changed it since it was read. The caller has merged his patch into it: Lua's JSON
 * would lose large numbers, and take an empty list for an object.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 the execution that changes it, "" for anybody
 *       3 the SHA-1 of what was read   4 the new text
 * reply { "written" }   { "gone" }   { "lost" }: the job is another's by now
 *       { "changed", what it is now }
 * ```
 */
export const REPLACE_META: Script = script(
  "replace_meta",
  `
local h = redis.pcall('HMGET', KEYS[1], 'data', 'status', 'x_execution', 'meta')
if not h[1] then return {'gone'} end
if ARGV[2] ~= '' and (h[2] ~= 'started' or h[3] ~= ARGV[2]) then return {'lost'} end
local meta = h[4] or ''
if meta == ARGV[4] then return {'written'} end
if redis.sha1hex(meta) ~= ARGV[3] then return {'changed', meta} end
redis.call('HSET', KEYS[1], 'meta', ARGV[4])
return {'written'}
`,
);
