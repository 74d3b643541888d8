/** Queues. @module */

/** How far from the head of a queue ids are put back in their order. */
export const HEAD_LENGTH = 5_000;

/** See {@linkcode link}. */
export const QUEUE_LUA: string = `
-- Whether nothing of another type is under the queue's keys; to be asked before anything is written.
local function can_push(q)
  local list, set = redis.call('TYPE', queue_key(q)).ok, redis.call('TYPE', QUEUES).ok
  return (list == 'list' or list == 'none') and (set == 'set' or set == 'none')
end

-- Puts an id on its queue as queued.
local function push(id, q, front)
  redis.call('SADD', QUEUES, queue_key(q))
  redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', iso())
  redis.call(front and 'LPUSH' or 'RPUSH', queue_key(q), id)
end

-- Puts ids at the head of a queue, the first one foremost; behind "before" if that is still near the head, where an
-- earlier call for the same ids has put it, else in front of all. "" for none.
local function put_at_head(q, ids, before)
  if #ids == 0 then return end
  local list, ahead = queue_key(q), {}
  local place = before ~= '' and redis.call('LPOS', list, before, 'MAXLEN', ${HEAD_LENGTH})
  if place then ahead = redis.call('LPOP', list, place + 1) end
  for _, part in ipairs({ids, ahead}) do
    local reversed = {}
    for i = #part, 1, -1 do reversed[#reversed + 1] = part[i] end
    if #reversed > 0 then redis.call('LPUSH', list, unpack(reversed)) end
  end
end
`;
