/** Behind `job.delete()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Deletes a job and everything that is stored of it, including its results. Its dependents go on or end as their edges say,
 * or are deleted with it.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 "delete" for its dependents, too
 * reply { "deleted", status before, the cursor to release further dependents from, "0" for none }   { "gone" }
 * ```
 */
export const DELETE: Script = script(
  "delete",
  `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {'gone'} end
local job = get_job(ARGV[2])
leave(job)
if ARGV[3] == 'delete' then job.dependents = 'delete' end
remove(job)
stop_run(job)
return {'deleted', job.status, job.cursor or '0'}
`,
);
