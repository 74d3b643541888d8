/** Behind `queue.enqueueJob()`. @module */

import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** A job has about 30 fields. A hash with very many is not one of a job, and could not be written by one command. */
const MOST_FIELDS = 200;

/**
 * Enqueues a job that is stored as `created`, by us or by RQ, as if it were enqueued now: with whatever its hash says.
 *
 * ```
 * KEYS  1 the job's hash
 * ARGV  1 key prefix   2 job id   3 the name of the queue   4 "L" for the head, "" for where the job is to go
 *       5 timeout in seconds for a job without one of its own   6 token of this call
 * reply JSON: an answer of ENQUEUE_EACH, or
 *       { outcome: "not created", status }   { outcome: "gone" }
 * ```
 *
 * The hash keeps the token, so that the same call, repeated, gets the same answer.
 */
export const ENQUEUE_CREATED: Script = script(
  "enqueue_created",
  `
local id = ARGV[2]
local job = get_job(id, 'x_change', 'created_at', 'x_due', 'ttl', 'enqueue_at_front')
local to = target(ARGV[3], ARGV[4] == 'L' or job.enqueue_at_front == '1')
if not job.data then return cjson.encode({outcome = 'gone'}) end
if job.x_change == ARGV[6] then return cjson.encode((look_up(id, job, to))) end
if job.status ~= 'created' then return cjson.encode({outcome = 'not created', status = job.status}) end

-- What is no part of what is to be enqueued, or is told by the record otherwise.
local OTHERS = {status = true, origin = true, enqueued_at = true, x_due = true, x_change = true}

-- What the hash holds, as a record NEW_JOB, in which the later one of two values counts. RQ writes what is unset as empty text.
local function new_job_of(flat)
  local due, ttl = string.match(job.x_due or '', '^%+?%d+%.?%d*$'), seconds(job.ttl, 0)
  local new_job = {id, string.format('%.0f', math.max(ttl, 0)), due or '0', 'timeout', ARGV[5]}
  if #flat > 2 * ${MOST_FIELDS} then error({err = 'ERR The hash has more fields than that of a job'}) end
  for i = 1, #flat, 2 do
    local name, value = flat[i], flat[i + 1]
    if value ~= '' and not OTHERS[name] then
      new_job[#new_job + 1] = name
      new_job[#new_job + 1] = value
    end
  end
  for _, value in ipairs({'x_change', ARGV[6]}) do new_job[#new_job + 1] = value end
  if ARGV[4] == 'L' then for _, value in ipairs({'enqueue_at_front', '1'}) do new_job[#new_job + 1] = value end end
  return new_job
end

local flat = redis.call('HGETALL', KEYS[1])
local fine, answer = pcall(new_job_of, flat)
if fine then
  -- From here on it is a new job like any other. Deleting is a write that a full Redis accepts, and then lets the script go on.
  redis.call('DEL', KEYS[1])
  fine, answer = pcall(enqueue_new, answer, to)
end
if not fine then answer = {outcome = 'refused', why = type(answer) == 'table' and answer.err or tostring(answer)} end
if not answer.enqueued_at then redis.call('HSET', KEYS[1], unpack(flat)) end
push_gathered(to)
return cjson.encode(answer)
`,
);
