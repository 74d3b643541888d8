/** Behind `registry.requeueAll()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/**
 * Puts jobs of one place back on their queue, as if they had just been enqueued. A run of many calls takes each job once:
 * one that fails again meanwhile stays failed.
 *
 * ```
 * KEYS  none
 * ARGV  1 key prefix   2 queue name   3 the statuses of jobs that are in that place, with spaces around each
 *       4 "L" for the head, "R" for the tail   5 token of the run   6 number of this call   7 … ids of jobs
 * reply for each id, three texts: "requeued", "", ""   "not", status, ""   "gone", "", ""
 *       "again", "", "" this run has requeued it before
 *       "held", id, key another job has taken its unique key
 *       "unfit", "", "" a key of the queue holds another type of value
 * ```
 */
export const REQUEUE_MANY: Script = script(
  "requeue_many",
  `
local reply, token = {}, ARGV[5] .. ' ' .. ARGV[6]
for i = 7, #ARGV do
  local job = get_job_to_requeue(ARGV[i])
  local change, what, detail = job.x_change or '', 'not', job.status
  if not job.data then what, detail = 'gone', ''
  elseif change == token then what, detail = 'requeued', ''
  elseif string.match(change, '^%S+') == ARGV[5] then what, detail = 'again', ''
  elseif job.q == ARGV[2] and string.find(ARGV[3], ' ' .. job.status .. ' ', 1, true) then
    what, detail = requeue_job(job, ARGV[4] == 'L', token)
  end
  for _, text in ipairs({what, detail, what == 'held' and job.x_unique or ''}) do reply[#reply + 1] = text end
end
return reply
`,
);
