/** What a worker's hash stores about ends. @module */

import { EXECUTION_ID_LENGTH } from "../execution_id.ts";

/** The bytes of one remembered end: the execution's id and the longest answer. */
const REMEMBERED_BYTES = EXECUTION_ID_LENGTH + 32;

/** See {@linkcode link}. */
export const WORKER_LUA: string = `
-- Counts ends in a worker's hash, and sets its state: "idle", "busy", or "" to leave it.
local function show_ends(key, state, good, bad, worked)
  if state ~= '' then redis.call('HSET', key, 'state', state) end
  if state == 'idle' then redis.call('HDEL', key, 'current_job', 'current_job_working_time') end
  -- pcall: the field may not be a number
  if good > 0 then redis.pcall('HINCRBY', key, 'successful_job_count', good) end
  if bad > 0 then redis.pcall('HINCRBY', key, 'failed_job_count', bad) end
  if good + bad > 0 then redis.pcall('HINCRBYFLOAT', key, 'total_working_time', string.format('%.6f', worked)) end
end

-- Answers to ends that were noted in this call.
local remembered = {}

-- Notes the answer to an end of which no job's hash tells a second sending.
local function remember(e, answer)
  remembered[#remembered + 1] = e .. ' ' .. answer .. ' '
end

-- Writes the noted answers into a worker's hash, and keeps as many of the earlier ones as may still be asked for.
local function write_remembered(key, again)
  if #remembered == 0 then return end
  if again > 0 then
    local before = redis.call('HGET', key, 'x_ended') or ''
    remembered[#remembered + 1] = string.sub(before, 1, again * ${REMEMBERED_BYTES})
  end
  redis.call('HSET', key, 'x_ended', table.concat(remembered))
end

-- The answer that a worker's hash has for an execution, or nil.
local function remembered_answer(key, e)
  local text = redis.pcall('HGET', key, 'x_ended')
  return type(text) == 'string' and string.match(' ' .. text, ' ' .. e .. ' (%S+) ') or nil
end
`;
