/** Repeating a claim whose reply was lost. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { CLAIM_REPLY, CLAIMED, listLua, placesLua } from "../records.ts";

/**
 * Returns the jobs of a worker's claim again, if they still belong to it and their leases hold.
 *
 * ```
 * KEYS  1 the worker's hash
 * ARGV  1 key prefix   2 worker name   3 the claim: what its execution ids begin with, and the number of the first
 * reply MessagePack: CLAIM_REPLY, of the kind "jobs", or "more" if there are none
 * ```
 */
export const RECLAIM: Script = script(
  "reclaim",
  `
${placesLua(CLAIMED)}
local executions, skipped = {}, {}
local claim, leases = string.match(redis.call('HGET', KEYS[1], 'x_claim') or '', '^(%S+) (.*)$')
for q, members in pairs(claim == ARGV[3] and cjson.decode(leases) or {}) do
  for _, member in ipairs(members) do
    local id, e = parts_of(member)
    local job = get_job(id)
    if job.status == 'started' and job.x_execution == e and holds(id, q, e) then
      local hash = redis.call('HGETALL', job_key(id))
      executions[#executions + 1] = ${
    listLua(CLAIMED, {
      queue: "q",
      jobId: "id",
      execution: "e",
      fields: "hash",
    })
  }
    end
  end
end
-- the ids of executions are in the order of the claim
table.sort(executions, function (a, b) return a[EXECUTION] < b[EXECUTION] end)
local kind = #executions > 0 and 'jobs' or 'more'
if kind == 'jobs' then
  -- a repeated end, sent before this, may have set the state to idle
  redis.call('HSET', KEYS[1], 'state', 'busy', 'current_job', executions[#executions][JOB_ID])
end
local now_ms = time[1] .. string.sub(1000000 + time[2], 2, 4)
return cmsgpack.pack(${
    listLua(CLAIM_REPLY, {
      kind: "kind",
      serverTime: "now_ms",
      skipped: "skipped",
      executions: "executions",
    })
  })
`,
);
