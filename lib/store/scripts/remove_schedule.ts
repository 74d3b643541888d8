/** Behind `schedules.remove()`, and for declarations that are no longer in their file. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Removes a schedule. If a file is named, only if that file declares it, and under a token of another reading than the
 * latest one, which is to be the caller's.
 *
 * ```
 * KEYS  1 the schedule's hash
 * ARGV  1 key prefix   2 the schedule's name   3 the file, "" for any   4 the token under which it was read
 * reply "removed"   "kept" it is none of this file's, or was declared anew   "superseded" another program has read the
 *       file since   "gone" there is no such schedule   "unfit" a key holds another type of value
 * ```
 */
export const REMOVE_SCHEDULE: Script = script(
  "remove_schedule",
  `
local name, file, token = ARGV[2], ARGV[3], ARGV[4]
if not schedule_fits(name) then return 'unfit' end
if file ~= '' then
  if redis.pcall('HGET', CRON_FILES, file) ~= token then return 'superseded' end
  local h = redis.call('HMGET', KEYS[1], 'owner', 'token')
  if h[1] ~= file or h[2] == token then return 'kept' end
end
return remove_schedule(name) > 0 and 'removed' or 'gone'
`,
);
