/** The scripts that take what is over out of registries and sets. @module */

import { Script } from "../../redis/script.ts";
import { LEASE_MARGIN } from "../lease.ts";
import { JOB_LUA, TIME_LUA, withPrelude } from "./prelude.ts";

/**
 * Drops ids of results and failures whose time is up. Those that are kept for ever, with a score of -1 or +inf, stay.
 *
 * ```
 * KEYS  … registries of finished or failed jobs
 * ARGV  1 key prefix   2 how many ids one call may drop
 * reply how many were dropped; if it is as many as that, call again
 * ```
 */
export const DROP_EXPIRED: Script = new Script(
  "drop_expired",
  `
local now, left = redis.call('TIME')[1], tonumber(ARGV[2])
for _, key in ipairs(KEYS) do
  local due = redis.pcall('ZCOUNT', key, 0, now)
  if type(due) == 'number' and due > 0 and left > 0 then
    local first = redis.call('ZCOUNT', key, '-inf', '(0')
    left = left - redis.call('ZREMRANGEBYRANK', key, first, first + math.min(due, left) - 1)
  end
end
return ARGV[2] - left
`,
);

/**
 * Drops ids of canceled jobs that are gone. Their scores say when they were canceled, not when they go.
 *
 * ```
 * KEYS  1 the queue's canceled registry
 * ARGV  1 key prefix   2 from which on   3 how many to look at
 * reply { how many of those it looked at stay, how many have left }
 * ```
 */
export const DROP_CANCELED: Script = new Script(
  "drop_canceled",
  withPrelude(
    [],
    `
local from = tonumber(ARGV[2])
local ids = redis.pcall('ZRANGE', KEYS[1], from, from + ARGV[3] - 1)
if ids.err then return {0, 0} end
local left = 0
for i = 1, #ids, 100 do
  local keys = {}
  for k = i, math.min(i + 99, #ids) do keys[#keys + 1] = job_key(ids[k]) end
  if redis.call('EXISTS', unpack(keys)) < #keys then
    for k, key in ipairs(keys) do
      if redis.call('EXISTS', key) == 0 then left = left + redis.call('ZREM', KEYS[1], ids[i + k - 1]) end
    end
  end
end
return {#ids - left, left}
`,
  ),
);

/**
 * Tells which workers have no hash any more. One of ours that has died and whose lease somebody's
 * clean-up has dropped (RQ before 2.0 does) gets that of its last claim back, expired, so that the
 * next sweep finds its job.
 *
 * ```
 * KEYS  … the hashes of workers
 * ARGV  1 key prefix   2 seconds without a heartbeat after which a worker is dead
 * reply the keys of those that are gone
 * ```
 */
export const FIND_DEAD_WORKERS: Script = new Script(
  "find_dead_workers",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local function restore_lease(claim)
  local fine, claimed = pcall(cjson.decode, string.match(claim, ' (.*)$') or '')
  if not fine or type(claimed) ~= 'table' then return end
  for i = 1, #claimed - 2, 3 do
    local q, id, e = tostring(claimed[i]), tostring(claimed[i + 1]), tostring(claimed[i + 2])
    if field(id, 'status') == 'started' and field(id, 'x_execution') == e then
      redis.pcall('ZADD', registry_key('wip', q), 'NX', now - 1 + ${LEASE_MARGIN}, id .. ':' .. e)
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
  ),
);

/**
 * Takes workers that are gone out of the sets of queues, and at last out of that of all workers.
 *
 * ```
 * KEYS  1 the set of all workers, then the hashes of the workers
 * ARGV  1 key prefix   2 "all" to take them out of the set of all workers too, else ""   3 … names of queues
 * reply the keys of those that are gone indeed
 * ```
 */
export const DROP_WORKERS: Script = new Script(
  "drop_workers",
  withPrelude(
    [],
    `
local gone = {}
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then gone[#gone + 1] = KEYS[i] end
end
if #gone == 0 then return gone end
for i = 3, #ARGV do redis.pcall('SREM', queue_workers_key(ARGV[i]), unpack(gone)) end
if ARGV[2] == 'all' then redis.call('SREM', KEYS[1], unpack(gone)) end
return gone
`,
  ),
);

/**
 * Queues scheduled jobs of one queue whose time has come, in the order of their time.
 *
 * ```
 * KEYS  1 the queue's scheduled registry   2 the lock that RQ's schedulers share
 * ARGV  1 key prefix   2 queue name   3 how many one call looks at
 * reply { how many it took out of the registry, how many of them were queued }
 *       { 0, -1 } a Python scheduler holds the lock   { 0, -2 } a key of the queue holds another type of value
 * ```
 *
 * RQ's scheduler reads and moves in two steps, so that it must be alone, and takes a lock for that. Ours is one step:
 * any number of workers may do it, and it needs no lock, but leaves the queue to who holds one.
 */
export const PROMOTE_SCHEDULED: Script = new Script(
  "promote_scheduled",
  withPrelude(
    [TIME_LUA, JOB_LUA],
    `
local q, tail, moved = ARGV[2], {}, 0
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
if #ids == 0 then return {0, 0} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {0, -1} end
if not can_push(q) then return {0, -2} end
redis.call('ZREM', KEYS[1], unpack(ids))
redis.call('SADD', QUEUES, queue_key(q))
local at = iso()
for _, id in ipairs(ids) do
  local key = job_key(id)
  local h = redis.pcall('HMGET', key, 'status', 'enqueue_at_front', 'enqueue_at_front_on_retry', 'ended_at', 'data')
  if h[1] == 'scheduled' and h[5] then
    redis.call('HSET', key, 'status', 'queued', 'enqueued_at', at)
    moved = moved + 1
    if h[2] == '1' or h[3] == '1' and h[4] then redis.call('LPUSH', queue_key(q), id) else tail[#tail + 1] = id end
  end
end
if #tail > 0 then redis.call('RPUSH', queue_key(q), unpack(tail)) end
return {#ids, moved}
`,
  ),
);
