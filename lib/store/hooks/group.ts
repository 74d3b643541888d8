/** The group of a job. @module */

import {
  GROUP_TTL,
  INNER_GROUP,
  KEPT_LOOK_SECONDS,
  LOOK_SECONDS,
  MAX_DEPTH,
} from "../group_rules.ts";
import type { Hook } from "./hook.ts";

/** RQ's groups, whose members are counted here; see `lua/groups.ts`. */
export const GROUP: Hook = {
  name: "group",
  reads: ["group_id", "x_grouped"],
  marks: ["group_id"],
  lua: `
-- Tells the job that a group has called for which group that is, and how its members have ended: in its meta, which is the
-- text of a JSON object. What the caller has there under the same name stays, since it comes behind.
local function tell_of_group(new_job, g, counts)
  counts.id = g
  local told, meta = '{"group":' .. cjson.encode(counts), nil
  for i = NEW_FIELDS, #new_job, 2 do
    if new_job[i] == 'created_at' then new_job[i + 1] = iso() end
    if new_job[i] == 'meta' then meta = i + 1 end
  end
  if meta then new_job[meta] = told .. ',' .. string.sub(new_job[meta], 2)
  else
    new_job[#new_job + 1] = 'meta'
    new_job[#new_job + 1] = told .. '}'
  end
end

-- Enqueues what a group has packed; an error if that cannot be read, or a key of the queue holds another type of value.
local function spawn_packed(packed, g, counts)
  local queue, side, _, _, jobs = cmsgpack.unpack(packed)
  local to = target(queue, side == 'L')
  tell_of_group(jobs[1], g, counts)
  if not spawn(jobs[1], to) then error('refused') end
  push_gathered(to)
end

-- Enqueues a job that a group calls for, once. Returns false if that has to be tried again.
local function call_back(g, name, counts)
  local key = group_state_key(g)
  local packed = redis.pcall('HGET', key, name)
  if type(packed) ~= 'string' then return true end
  if not pcall(spawn_packed, packed, g, counts) then return false end
  redis.call('HDEL', key, name)
  return true
end

-- Keeps a complete group as long as it has jobs, since these say that they are counted, and for some seconds after that.
local function keep_group(g, ttl, called)
  local key, has_jobs = group_state_key(g), redis.call('EXISTS', group_key(g)) == 1
  if has_jobs then redis.call('PERSIST', key)
  elseif redis.call('TTL', key) == -1 then expire(key, ttl) end
  if has_jobs or not called then look_again(g, now + (called and ${KEPT_LOOK_SECONDS} or ${LOOK_SECONDS}))
  else redis.pcall('ZREM', OPEN_GROUPS, g) end
end

-- To be called when a member of a group may have been its last one: calls what it calls for, wakes those who wait for it, and
-- goes on with the group that it belongs to. A complete group that gets new members is complete again later; it has then
-- nothing left that it has called already.
local function settle_group(g)
  for _ = 1, ${MAX_DEPTH} do
    local complete, counts = is_complete(g)
    local key, is = group_state_key(g), counts.finished == counts.total and 'finished' or 'failed'
    local called = is == 'finished' or counts.failed + counts.stopped + counts.canceled + counts.gone == 0 or
      call_back(g, 'on_failure', counts)
    if not complete then return end
    joined[g] = nil
    called = call_back(g, 'on_complete', counts) and called
    if is == 'finished' then called = call_back(g, 'on_success', counts) and called end
    local h = redis.pcall('HMGET', key, 'ended_at', 'ttl', 'parent', 'x_grouped')
    redis.pcall('HDEL', key, 'cursor', 'canceling')
    if not h[1] then
      redis.pcall('HSET', key, 'ended_at', iso())
      wake('${INNER_GROUP}' .. g, 'complete')
    end
    keep_group(g, seconds(h[2], ${GROUP_TTL}), called)
    if not h[3] or h[4] == is or redis.call('EXISTS', group_state_key(h[3])) == 0 then return end
    recount(h[3], '${INNER_GROUP}' .. g, h[4], is)
    redis.pcall('HSET', key, 'x_grouped', is)
    g = h[3]
  end
end

-- Counts a member as what its job has become: a status, or "gone". Most are finished and not the last ones, which is all.
local function count_member(job, is)
  local g = job.group_id
  recount(g, job.id, job.x_grouped, is)
  job.x_grouped = is
  if is ~= 'gone' then redis.pcall('HSET', job_key(job.id), 'x_grouped', is) end
  if is ~= 'finished' or redis.pcall('SCARD', group_open_key(g)) == 0 then settle_group(g) end
end

-- A job that will run again has not ended. One that is deleted after its end stays counted as it has ended. One that says
-- so itself, and is not in RQ's set, is no member.
local function member_ended(job, status) -- rare
  local g = job.group_id
  if status == 'finished' and next_repeat(job) then return end
  if not job.x_grouped and redis.pcall('SISMEMBER', group_key(g), job.id) ~= 1 then return end
  if status ~= 'deleted' then return count_member(job, status) end
  drop_member(g, job.id)
  if not COUNTED[job.x_grouped] then count_member(job, 'gone') end
end

-- Most jobs are in no group. RQ writes that as empty text.
local function group_ended(job, status)
  if job.group_id and job.group_id ~= '' then member_ended(job, status) end
end
`,
};
