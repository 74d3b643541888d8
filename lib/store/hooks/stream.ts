/** Streams: what a job has yielded. @module */

import type { Hook } from "./hook.ts";

/** For how many seconds a stream whose job keeps no result is left, for those who read it. */
const LEFT_SECONDS = 60;

/** The stream of a job's parts ends with its status, and lives as long as its result or failure. */
export const STREAM: Hook = {
  name: "stream",
  reads: ["x_stream"],
  marks: ["x_stream"],
  lua: `
-- Ends the stream of what a job has yielded.
local function end_stream(job, status) -- rare
  local key = stream_key(job.id)
  if status == 'deleted' and job.ttl ~= 0 then return redis.call('DEL', key) end
  if status ~= 'deleted' then redis.pcall('XADD', key, '*', 'end', status) end
  expire(key, job.ttl == 0 and ${LEFT_SECONDS} or job.ttl or ${LEFT_SECONDS})
end

local function stream_ended(job, status)
  if job.x_stream then end_stream(job, status) end
end
`,
};
