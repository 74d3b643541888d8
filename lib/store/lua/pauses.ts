/** What workers are told not to claim. @module */

/** See {@linkcode link}. */
export const PAUSES_LUA: string = `
-- Which of the queues in a list must not be claimed from: "all" if all workers are suspended, else a set of names. A pause that
-- is over is forgotten. To be called only if SUSPENDED or PAUSED exists.
local function paused_among(queues) -- rare
  if redis.call('EXISTS', SUSPENDED) == 1 then return 'all' end
  local paused, ends = {}, redis.pcall('HMGET', PAUSED, unpack(queues))
  if ends.err then return paused end
  for i, q in ipairs(queues) do
    local over = tonumber(ends[i] or '')
    if over and over <= clock then redis.call('HDEL', PAUSED, q) elseif ends[i] then paused[q] = true end
  end
  return paused
end
`;
