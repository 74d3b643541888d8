/** Behind `schedules.runNow()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Makes the job of a schedule now, whatever its slots are.
 *
 * ```
 * KEYS  1 the last runs of the schedule
 * ARGV  1 key prefix   2 the schedule's name   3 token of this call
 * reply { "enqueued" | "skipped" | "refused", the job's id, another job that this is about, why }
 *       { "gone" } there is no such schedule   { "unfit" } a key holds another type of value
 * ```
 *
 * A repeated call finds its token among the last runs.
 */
export const RUN_SCHEDULE: Script = script(
  "run_schedule",
  `
local name, token = ARGV[2], ARGV[3]
local schedule = get_schedule(name)
if not schedule then return {'gone'} end
if not schedule_fits(name) then return {'unfit'} end
for _, text in ipairs(redis.pcall('LRANGE', KEYS[1], 0, -1)) do
  local fine, run = pcall(cjson.decode, text)
  if fine and type(run) == 'table' and run.call == token then return run_reply(run) end
end
local run = make_run(schedule, schedule.id .. '-' .. token)
run.call = token
note_run(name, run)
return run_reply(run)
`,
);
