/** The failure of a job that is not run because of a parent. @module */

const DIGITS =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** See {@linkcode link}. */
export const PARENT_FAILURE_LUA: string = `
-- Base64.
local function base64(bytes)
  local digits, parts = '${DIGITS}', {}
  local function digit(n) return string.sub(digits, n % 64 + 1, n % 64 + 1) end
  for i = 1, #bytes, 3 do
    local a, b, c = string.byte(bytes, i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    parts[#parts + 1] = digit(math.floor(n / 262144)) .. digit(math.floor(n / 4096)) ..
      (b and digit(math.floor(n / 64)) or '=') .. (c and digit(n) or '=')
  end
  return table.concat(parts)
end

-- A short text as RQ's exc_string: base64 of zlib (RFC 1950), as one block that is not compressed.
local function exc_string(text)
  local size, a, b = #text, 1, 0
  for i = 1, size do
    a = (a + string.byte(text, i)) % 65521
    b = (b + a) % 65521
  end
  local low, high = size % 256, math.floor(size / 256)
  local function two(n) return string.char(math.floor(n / 256), n % 256) end
  return base64(string.char(120, 1, 1, low, high, 255 - low, 255 - high) .. text .. two(b) .. two(a))
end

-- Texts by parent: many jobs may have the same one.
local parent_failures = {}

-- The failure of a job whose parent has ended as "status". RQ refuses ids of this length; they are not repeated in full.
local function parent_failure(parent, status)
  if not parent_failures[parent] then
    local states = {failed = 'has failed', stopped = 'was stopped', canceled = 'was canceled'}
    parent_failures[parent] = exc_string('ParentFailedError: Cannot run the job: job "' .. string.sub(parent, 1, 1000) ..
      '", on which it depends, ' .. (states[status] or 'is gone'))
  end
  return parent_failures[parent]
end
`;
