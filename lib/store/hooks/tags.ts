/** The tags of a job, and the index of ours that finds jobs by them. @module */

import { MOST_TAGS } from "../../job/tags.ts";
import type { Hook } from "./hook.ts";

/** After how many seconds, at the latest, it is looked whether a job in the index still exists. */
const DAY = 86_400;

/**
 * For each tag of a queue, a sorted set holds the ids of its jobs, scored with when to look whether there still is such a
 * job: when its hash expires, but after a day at the latest, since Python deletes jobs without knowing of tags. One more
 * sorted set holds all tags, scored with the first look that one of their jobs needs. So CLEAN_TAGS reads only what is due.
 */
export const TAGS: Hook = {
  name: "tags",
  reads: ["x_tags"],
  marks: ["x_tags"],
  lua: `
-- The tags of a job, out of its hash; anybody may have written them.
local function tags_of(text)
  local ok, list = pcall(cjson.decode, text or '[]')
  local tags = {}
  for _, tag in ipairs(ok and type(list) == 'table' and list or {}) do
    if type(tag) == 'string' and #tags < ${MOST_TAGS} then tags[#tags + 1] = tag end
  end
  return tags
end

-- Whether no key of these tags holds another type of value.
local function tags_fit(q, tags)
  for _, tag in ipairs(tags) do
    if not holds_only('zset', tag_key(q, tag)) then return false end
  end
  return #tags == 0 or holds_only('zset', TAGS)
end

-- When to look whether a job still exists; nil if it is gone.
local function next_look(id)
  local left = redis.pcall('TTL', job_key(id))
  if left == -2 then return nil end
  return now + (left >= 0 and math.min(left + 1, ${DAY}) or ${DAY})
end

-- Puts a job into the index, or notes when to look at it next.
local function tag_job(id, q, tags) -- rare
  local at = next_look(id)
  for _, tag in ipairs(tags) do
    redis.pcall('ZADD', tag_key(q, tag), at, id)
    redis.pcall('ZADD', TAGS, 'LT', at, #q .. ':' .. q .. ':' .. tag)
  end
end

-- A job is found as long as its hash exists.
local function tagged_ended(job, status) -- rare
  if status ~= 'deleted' then return tag_job(job.id, job.q, tags_of(job.x_tags)) end
  for _, tag in ipairs(tags_of(job.x_tags)) do redis.pcall('ZREM', tag_key(job.q, tag), job.id) end
end

local function tags_ended(job, status)
  if job.x_tags then tagged_ended(job, status) end
end
`,
};
