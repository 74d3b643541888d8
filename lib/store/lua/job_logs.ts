/** The logs of jobs. @module */

/**
 * For how many seconds a log is kept after its last line while its job has not ended, a month: Python deletes jobs without
 * knowing of logs.
 */
export const OPEN_SECONDS: number = 30 * 86_400;

/** What a line takes besides its text, in bytes, about. */
export const LINE_BYTES = 32;

/** How many lines one call drops at most. */
const MOST_DROPPED = 2_000;

/** See {@linkcode link}. */
export const JOB_LOGS_LUA: string = `
-- Adds lines, which are pairs of a source and a text, to a job's log. They are counted from the one after "count". Returns
-- the count, and the bytes that they take.
local function add_lines(key, count, attempt, pairs_of)
  local bytes = 0
  for i = 1, #pairs_of, 2 do
    count = count + 1
    redis.call('XADD', key, '*', 'line', count, 'source', pairs_of[i], 'text', pairs_of[i + 1], 'attempt', attempt)
    bytes = bytes + #pairs_of[i + 1] + ${LINE_BYTES}
  end
  redis.call('EXPIRE', key, ${OPEN_SECONDS})
  return count, bytes
end

-- Drops the oldest lines of a log beyond so many bytes, but not the last one; returns how many bytes are left.
local function drop_lines(key, bytes, most) -- rare
  for _ = 1, ${MOST_DROPPED / 100} do
    local entries = redis.call('XRANGE', key, '-', '+', 'COUNT', 101)
    local first = 1
    while bytes > most and first < #entries do
      bytes = bytes - #(entries[first][2][6] or '') - ${LINE_BYTES}
      first = first + 1
    end
    if entries[first] then redis.call('XTRIM', key, 'MINID', entries[first][1]) end
    if bytes <= most or #entries < 101 then return bytes end
  end
  return bytes
end
`;
