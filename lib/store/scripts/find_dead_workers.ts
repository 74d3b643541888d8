/** Finding workers that have died. @module */

import type { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { script } from "../lua/link.ts";

/**
 * Finds workers whose hash is gone. If one of ours has died and another program's clean-up has
 * dropped its lease (as RQ before 2.0 does), the leases of its last claim are restored, expired, so
 * that the next sweep finds the jobs.
 *
 * ```
 * KEYS  … the hashes of workers
 * ARGV  1 key prefix   2 seconds without a heartbeat after which a worker is dead
 * reply the keys of those that are gone
 * ```
 */
export const FIND_DEAD_WORKERS: Script = script(
  "find_dead_workers",
  `
local function restore_lease(claim)
  local fine, claimed = pcall(cjson.decode, string.match(claim, ' (.*)$') or '')
  if not fine or type(claimed) ~= 'table' then return end
  for q, members in pairs(claimed) do
    for _, member in ipairs(type(members) == 'table' and members or {}) do
      local id, e = parts_of(tostring(member))
      if field(id, 'status') == 'started' and field(id, 'x_execution') == e then
        register('wip', q, 'NX', now - 1 + ${LEASE_MARGIN}, member)
      end
    end
  end
end
local gone = {}
for _, key in ipairs(KEYS) do
  local h = redis.pcall('HMGET', key, 'x_heartbeat', 'x_claim')
  if h[1] then
    if h[2] and now - (tonumber(h[1]) or 0) >= tonumber(ARGV[2]) then restore_lease(h[2]) end
  elseif redis.call('EXISTS', key) == 0 then
    gone[#gone + 1] = key
  end
end
return gone
`,
);
