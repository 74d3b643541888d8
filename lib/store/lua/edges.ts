/**
 * What the end of a parent means for a job that waits for it. Each of a job's edges has its own policy: see `dependency()`.
 *
 * @module
 */

/**
 * To how many parents a sweep looks behind the first one for which a job waits, since another may have ended it: the
 * workers of Python that ran that one do not know the policies.
 */
const MOST_LOOKED = 20;

/** See {@linkcode link}. */
export const EDGES_LUA: string = `
-- The edges of a job to its parents, out of the fields allow_dependency_failures and x_if_parent_fails. That is an object:
-- policies by the ids of parents, "*" for all others. A job of Python's has none, and is lenient or not.
local function edges_of(lenient, text)
  local ok, policies = pcall(cjson.decode, text or '')
  return {lenient = lenient == '1', policies = ok and type(policies) == 'table' and policies or nil}
end

-- What a parent of this status means for a job: "go", "stay", "fail" or "cancel". No status: the parent is gone. Without a
-- policy it then counts as done, as in RQ; not if "strict", since it may have failed. "deleted": it is deleted now.
-- "enqueue": whoever cancels it wants its dependents to go on.
local function weigh(edges, parent, status, strict)
  if status == 'finished' or status == 'enqueue' then return 'go' end
  local policies = edges.policies
  local policy = policies and (policies[parent] or policies['*'])
  local is_over = not status or status == 'deleted' or has_ended(status)
  if policy == 'run' then return is_over and 'go' or 'stay' end
  if policy == 'fail' or policy == 'cancel' then return is_over and policy or 'stay' end
  if not status then return strict and 'stay' or 'go' end
  return not policies and edges.lenient and status == 'failed' and 'go' or 'stay'
end

-- What becomes of a deferred job: "go", "stay"; or "fail" or "cancel", the parent that decides that, and its status. "at" is
-- the parent that has just ended as "how". "strict" is for a sweep, which "known" saves to read a parent twice. It strikes
-- out those that have finished: later they would be gone, as if they had not.
local function judge(c, edges, at, how, strict, known)
  if at then
    local verdict = weigh(edges, at, how, strict)
    if verdict ~= 'go' then return verdict, at, how end
  end
  local parents, result = redis.pcall('SMEMBERS', dependencies_key(c)), 'go'
  if parents.err then return 'stay' end
  for i, parent in ipairs(parents) do
    local status = known and known[parent]
    if status == nil then status = field(parent, 'status') end
    if known then known[parent] = status end
    local verdict = parent == at and 'go' or weigh(edges, parent, status, strict)
    if verdict == 'fail' or verdict == 'cancel' then return verdict, parent, status or 'deleted' end
    if verdict == 'stay' and not (strict and edges.policies and i < ${MOST_LOOKED}) then return 'stay' end
    if verdict == 'stay' then result = 'stay' end
    if strict and edges.policies and status == 'finished' then redis.call('SREM', dependencies_key(c), parent) end
  end
  return result
end

-- Jobs that are to end because a parent of theirs has; end_doomed() ends them, after the hooks of that parent.
local doomed = {}

-- How much this call may still do to dependents.
local budget = 100

-- Has a job end: "fail", "cancel" or "delete". An end takes about as long as queueing three jobs.
local function doom(id, verdict, parent, status)
  doomed[#doomed + 1] = {id = id, verdict = verdict, parent = parent, status = status}
  budget = budget - 3
end
`;
