/** Behind `job.explain()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** How many ids in an intermediate list one call looks at, and how many parents of a job. */
const [MOST_POPPED, MOST_PARENTS] = [1_000, 500];

/**
 * Reads what keeps a job from running, at one moment. It changes nothing.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the most ids to list of anything
 * reply nothing if there is no such job; else facts, each a list that begins with its name
 *       "job", status, queue, the server's time      "suspended", seconds left or -1     "paused", when it ends or "inf"
 *       "popped" a worker is taking it               "due", when                         "scheduler", the worker that queues it
 *       "limit", its key, how many are before it, how many run at a time, starts, per, how many have a slot, when it opens
 *       "turn", how many are before it               "holder", an id: who has a slot of the limit
 *       "parents", how many it depends on            "parent", its id, its status or "gone"
 *       "lease", the execution                       "held", the job that has its unique key, the key
 * ```
 */
export const EXPLAIN: Script = script(
  "explain",
  `
local id, most = ARGV[2], tonumber(ARGV[3])
local job = get_job(id, 'created_at', 'rate_limit_concurrency', 'x_rate_starts', 'x_rate_per', 'allow_dependency_failures',
  'x_if_parent_fails')
if not job.data then return {} end
local q, facts = job.q, {}
local function fact(...)
  facts[#facts + 1] = {...}
end
fact('job', job.status, q, now_float)

local function look_at_pauses()
  local left, ends = redis.call('TTL', SUSPENDED), redis.pcall('HGET', PAUSED, q)
  if left ~= -2 then fact('suspended', left) end
  if type(ends) == 'string' then fact('paused', ends) end
end

-- How many jobs are before it among those that a limit holds back; nil if it is not among them.
local function before_it(limit)
  local score = redis.pcall('ZSCORE', rate_limited_key(limit), id)
  return type(score) == 'string' and redis.call('ZCOUNT', rate_limited_key(limit), '-inf', '(' .. score)
end

local function look_at_limits()
  local limit, turn = job.rate_limit_key or '', turn_of(job)
  local before = turn and before_it(turn)
  if before then return fact('turn', before) end
  before = before_it(limit)
  if not before then return end
  local rule = limit_rule(limit)
  if rule.most == 0 then rule = rule_of(job.rate_limit_concurrency, job.x_rate_starts, job.x_rate_per) end
  local taken, opens = redis.pcall('ZCARD', allowed_key(limit)), rule.starts and opening(limit, rule)
  if type(taken) ~= 'number' then taken = 0 end
  fact('limit', limit, before, rule.most < 1e9 and rule.most or '', rule.starts or '', tostring(rule.per or ''), taken,
    opens and string.format('%.3f', opens) or '')
  local holders = redis.pcall('ZRANGE', allowed_key(limit), 0, most - 1)
  for _, holder in ipairs(holders.err and {} or holders) do fact('holder', holder) end
end

local function look_at_parents()
  local edges, parents = edges_of(job.allow_dependency_failures, job.x_if_parent_fails),
    redis.pcall('SRANDMEMBER', dependencies_key(id), ${MOST_PARENTS})
  local count, listed = redis.pcall('SCARD', dependencies_key(id)), 0
  if parents.err then return end
  fact('parents', count)
  for _, parent in ipairs(parents) do
    local status = field(parent, 'status')
    if listed < most and weigh(edges, parent, status, true) == 'stay' then
      listed = listed + 1
      fact('parent', parent, status or 'gone')
    end
  end
end

if job.status == 'queued' then
  look_at_pauses()
  if type(redis.pcall('LPOS', intermediate_key(q), id, 'MAXLEN', ${MOST_POPPED})) == 'number' then fact('popped') end
elseif job.status == 'rate_limited' then look_at_limits()
elseif job.status == 'scheduled' then
  local due, worker = redis.pcall('ZSCORE', registry_key('scheduled', q), id), redis.pcall('HGET', SCHEDULERS, q)
  if type(due) == 'string' then fact('due', due) end
  if type(worker) == 'string' then fact('scheduler', worker) end
elseif job.status == 'deferred' then look_at_parents()
elseif job.status == 'started' then
  local live = live_execution(id, q, job.x_execution)
  if live then fact('lease', live) end
elseif job.x_unique then
  local holder = taken_from(job)
  if holder and holder.id ~= id then fact('held', holder.id, job.x_unique) end
end
return facts
`,
);
