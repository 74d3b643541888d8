/** Behind `schedules.upsert()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Creates a schedule, or changes the one of that name. One whose timing stays as it was keeps its next slot: storing it
 * anew at each deployment neither skips a run nor adds one. A paused one stays paused.
 *
 * ```
 * KEYS  1 the schedule's hash
 * ARGV  1 key prefix   2 the schedule's name   3 the id of a new schedule   4 its timing
 *       5 the first slot of this timing   6 the file that declares it, "" for none   7 the token under which that was read
 *       8 … the other fields and their values
 * reply { "created" | "changed", the file that declared it before }
 *       { "superseded" } another program has read the file since
 *       { "unfit" } a key holds another type of value
 * ```
 */
export const UPSERT_SCHEDULE: Script = script(
  "upsert_schedule",
  `
local name, id, timing, slot, owner, token = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if not schedule_fits(name) then return {'unfit'} end
if owner ~= '' and redis.pcall('HGET', CRON_FILES, owner) ~= token then return {'superseded'} end
local h = redis.call('HMGET', KEYS[1], 'id', 'timing', 'owner', 'paused', 'start', 'broken')
local next_slot = tonumber(redis.call('ZSCORE', SCHEDULES, name) or '')
local same = h[1] and h[2] == timing and tonumber(h[5] or '') and next_slot
redis.call('HSET', KEYS[1], 'id', h[1] or id, 'timing', timing, 'start', same and h[5] or slot, 'owner', owner,
  'token', token, unpack(ARGV, 8))
redis.call('HDEL', KEYS[1], 'broken')
if h[4] == '1' then set_slot(name, '+inf')
elseif not same or h[6] or next_slot == math.huge then set_slot(name, slot) end
return {h[1] and 'changed' or 'created', h[3] or ''}
`,
);
