/** Reads a job's state before waiting for it. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Reads a job's state, for a client that is about to wait for it. It sets a mark (`x_waited`), so that an end without a
 * result is announced in the stream of ends. It also returns a parent for which the job waits in vain: one that has
 * failed, was stopped or canceled, unless the job's edge says what then; or one that is gone, if all remaining parents
 * are, since none will release the job.
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
local h = exists and redis.call('HMGET', KEYS[1], 'status', 'x_waited', 'allow_dependency_failures', 'x_if_parent_fails') or {}
local status = h[1] or ''
local latest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
-- pcall: the server may be full or read-only, which is no reason not to wait
if exists and not h[2] then redis.pcall('HSET', KEYS[1], 'x_waited', 1) end

local function in_vain()
  local parents = redis.pcall('SMEMBERS', KEYS[3])
  local gone, edges = 0, edges_of(h[3], h[4])
  for _, parent in ipairs(parents) do
    local state = field(parent, 'status')
    local waits = weigh(edges, parent, state, true) == 'stay'
    if waits and state ~= 'finished' and has_ended(state) then return parent, state end
    if waits and not state and not is_job(parent) then gone = gone + 1 end
  end
  if gone > 0 and gone == #parents then return parents[1], 'gone' end
  return '', ''
end

local parent, state = '', ''
if status == 'deferred' then parent, state = in_vain() end
return {exists and 1 or 0, status, latest[1] or '', time[1] .. string.format('%03d', math.floor(time[2] / 1000)), parent, state}
`,
);
