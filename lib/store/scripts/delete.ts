/** Behind `job.delete()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Deletes a job and everything that is stored of it, including its results.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id
 * reply { "deleted", status before }   { "gone" }
 * ```
 */
export const DELETE: Script = script(
  "delete",
  `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {'gone'} end
local job = get_job(ARGV[2])
leave(job)
remove(job)
stop_run(job)
return {'deleted', job.status}
`,
);
