/** A slot of a schedule: one of all workers makes its job. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Claims a slot of a schedule: moves the schedule on to its next slot, and makes the job of this one.
 *
 * ```
 * KEYS  1 the schedule's hash
 * ARGV  1 key prefix   2 the schedule's name   3 the slot that is due   4 the slot to claim: that one, or a later one that
 *       has passed, too   5 "run", or "missed"   6 the slot after it, "" if there is none
 * reply { "enqueued" | "skipped" | "missed" | "refused", the job's id, another job that this is about, why }
 *       { "taken" } the slot is no longer due: somebody has claimed it, or the schedule is another one now
 * ```
 *
 * The comparison of the slot makes a repeated call do nothing. Slots only ever get later, whatever the clock does, so that
 * none is claimed twice. A job that is refused, and one that still runs where that matters, has used its slot.
 */
export const CLAIM_SLOT: Script = script(
  "claim_slot",
  `
local name, slot, following = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[6]) or math.huge
local due = redis.pcall('ZSCORE', SCHEDULES, name)
if type(due) ~= 'string' or tonumber(due) ~= tonumber(ARGV[3]) then return {'taken'} end
if not slot or slot < tonumber(due) or slot > clock or following <= slot then return {'taken'} end
local schedule = get_schedule(name)
if not schedule then return {'taken'} end
set_slot(name, following == math.huge and '+inf' or ARGV[6])
redis.call('HSET', KEYS[1], 'last_slot', ARGV[4])
local run = ARGV[5] == 'run' and make_run(schedule, schedule.id .. '-' .. ARGV[4]) or {outcome = 'missed'}
run.slot, run.since = slot, tonumber(due) < slot and tonumber(due) or nil
note_run(name, run)
return run_reply(run)
`,
);
