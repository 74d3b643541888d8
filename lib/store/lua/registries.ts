/** Registries. One whose key holds something of another type is left as it is, and spoils no transition. @module */

/** See {@linkcode link}. */
export const REGISTRIES_LUA: string = `
-- Takes a job out of some registries.
local function unregister(id, q, names)
  for _, name in ipairs(names) do redis.pcall('ZREM', registry_key(name, q), id) end
end

-- Puts a job into a registry.
local function register(id, q, name, score)
  redis.pcall('ZADD', registry_key(name, q), score, id)
end
`;
