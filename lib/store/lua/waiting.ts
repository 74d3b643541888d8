/** Those who wait for the end of a job. Never an error. @module */

/** See {@linkcode link}. */
export const WAITING_LUA: string = `
-- Tells whoever waits for a job (x_waited) to look at it again, where no entry in its stream of results does so.
local function wake(id, how)
  if not field(id, 'x_waited') then return end
  redis.pcall('XADD', ends_key(), 'MAXLEN', '~', 1000, '*', 'job_id', id, 'how', how)
  redis.pcall('EXPIRE', ends_key(), 60)
end

-- Likewise for those who wait for a job that waits for this one.
local function wake_children(id)
  local children = redis.pcall('SRANDMEMBER', dependents_key(id), 100) -- further ones look for themselves
  for _, c in ipairs(children) do wake(c, '') end
end
`;
