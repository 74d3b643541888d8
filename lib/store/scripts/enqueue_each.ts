/** Enqueueing jobs one by one. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";
import { localsLua, NEW_JOBS } from "../records.ts";

/**
 * Stores jobs and puts them on their queue in the given order; or into the deferred registry while a parent has not
 * finished, into the scheduled registry until they are due, or among those that wait for a slot of their rate limit. Each is accepted or refused independently.
 *
 * ```
 * KEYS  none
 * ARGV  1 key prefix   2 MessagePack: the values of NEW_JOBS, and a list of records NEW_JOB
 * reply JSON: a list of an object for each job, or only one object if all are queued now
 *       { outcome: "queued" | "deferred" | "scheduled" | "rate_limited", enqueued_at } the date is "" unless it is queued
 *       { outcome: "failed" | "canceled", enqueued_at: "" } a parent has ended, and the job's edge says so
 *       { outcome: "unknown parent", parent } this is no job; nothing was written
 *       { outcome: "duplicate", status } the id is taken by a job of this status
 *       { outcome: "held", id, status, key } another job holds its unique key
 *       { outcome: "skipped", id } another job holds it, which is told instead
 *       { outcome: "debounced", id } the same, and that job was put off
 *       { outcome: "no group", group } it names a group that there is not
 *       { outcome: "refused", why } with Redis' error, or "" if a key of the queue or of the job holds another type of
 *       value; nothing was written of it
 * ```
 *
 * An id that is taken by a job that has not ended is refused; a job that has ended is replaced, unless the id has to be
 * unique. A hash with exactly the
 * same `created_at` (to the microsecond) and `data` was written by this very call, whose reply was lost.
 */
export const ENQUEUE_EACH: Script = script(
  "enqueue_each",
  `
local ${localsLua(NEW_JOBS)}, jobs = cmsgpack.unpack(ARGV[2])
local to, answers = target(queue, side == 'L'), {}
for i, job in ipairs(jobs) do
  -- An error here, such as over a key of the replaced job with another type, must not affect other jobs.
  local fine, answer = pcall(enqueue_new, job, to)
  if not fine then answer = {outcome = 'refused', why = type(answer) == 'table' and answer.err or tostring(answer)} end
  answers[i] = answer
end
push_gathered(to)
return cjson.encode(#to.ids == #jobs and answers[1] or answers)
`,
);
