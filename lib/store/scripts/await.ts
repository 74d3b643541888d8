/** A look at a job by one who is about to wait for it. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * The same for one who is about to wait for the job. The mark that it leaves (`x_waited`) has ends that no result
 * tells of written to the stream of ends. Tells too what the job itself waits for in vain: a parent that has failed,
 * was stopped or canceled; or one that is gone, if so are all that are left, since none of them will release it.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its results   3 the jobs that it waits for
 * ARGV  1 key prefix
 * reply { 1 if there is such a job, status or "", the latest entry or "", milliseconds since 1970,
 *         the id of such a parent or "", its status or "gone" }
 * ```
 */
export const AWAIT: Script = script(
  "await",
  `
local exists = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HEXISTS', KEYS[1], 'data') == 1
local h = exists and redis.call('HMGET', KEYS[1], 'status', 'x_waited', 'allow_dependency_failures') or {}
local status = h[1] or ''
local latest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
-- pcall: one can also wait on a server that is full or read only
if exists and not h[2] then redis.pcall('HSET', KEYS[1], 'x_waited', 1) end

local function in_vain()
  local parents = redis.pcall('SMEMBERS', KEYS[3])
  local gone = 0
  for _, parent in ipairs(parents) do
    local key = job_key(parent)
    local state = redis.pcall('HGET', key, 'status')
    if state == 'stopped' or state == 'canceled' or (state == 'failed' and h[3] ~= '1') then return parent, state end
    if type(state) ~= 'string' and redis.pcall('HEXISTS', key, 'data') ~= 1 then gone = gone + 1 end
  end
  if gone > 0 and gone == #parents then return parents[1], 'gone' end
  return '', ''
end

local parent, state = '', ''
if status == 'deferred' then parent, state = in_vain() end
return {exists and 1 or 0, status, latest[1] or '', time[1] .. string.format('%03d', math.floor(time[2] / 1000)), parent, state}
`,
);
