/** Checks which commands the Redis user may not call. @module */

import { Script } from "../../redis/script.ts";

/**
 * Every command that a script calls, with harmless arguments, on an otherwise unused key. Redis checks permissions
 * before types, so errors about the key's type do not matter.
 */
const COMMANDS: readonly (readonly string[])[] = [
  ["DEL", "KEY"],
  ["DUMP", "KEY"],
  ["EXISTS", "KEY"],
  ["EXPIRE", "KEY", "60"],
  ["GET", "KEY"],
  ["HDEL", "KEY", "a"],
  ["HEXISTS", "KEY", "a"],
  ["HGET", "KEY", "a"],
  ["HGETALL", "KEY"],
  ["HINCRBY", "KEY", "a", "1"],
  ["HINCRBYFLOAT", "KEY", "a", "1"],
  ["HKEYS", "KEY"],
  ["HMGET", "KEY", "a"],
  ["HSET", "KEY", "a", "1"],
  ["HSETNX", "KEY", "a", "1"],
  ["LLEN", "KEY"],
  ["LPOP", "KEY"],
  ["LPOS", "KEY", "a"],
  ["LPUSH", "KEY", "a"],
  ["LRANGE", "KEY", "0", "0"],
  ["LREM", "KEY", "1", "a"],
  ["LTRIM", "KEY", "0", "0"],
  ["PERSIST", "KEY"],
  ["PUBLISH", "KEY", "a"],
  ["RESTORE", "KEY", "0", "a"],
  ["RPUSH", "KEY", "a"],
  ["SADD", "KEY", "a"],
  ["SCARD", "KEY"],
  ["SET", "KEY", "a", "NX"],
  ["SISMEMBER", "KEY", "a"],
  ["SMEMBERS", "KEY"],
  ["SPOP", "KEY"],
  ["SRANDMEMBER", "KEY"],
  ["SREM", "KEY", "a"],
  ["SSCAN", "KEY", "0"],
  ["TIME"],
  ["TTL", "KEY"],
  ["TYPE", "KEY"],
  ["XADD", "KEY", "*", "a", "1"],
  ["XRANGE", "KEY", "-", "+", "COUNT", "1"],
  ["XTRIM", "KEY", "MAXLEN", "9"],
  ["XREVRANGE", "KEY", "+", "-", "COUNT", "1"],
  ["ZADD", "KEY", "1", "a"],
  ["ZCARD", "KEY"],
  ["ZCOUNT", "KEY", "0", "0"],
  ["ZRANGE", "KEY", "0", "0"],
  ["ZRANGEBYSCORE", "KEY", "0", "0"],
  ["ZRANK", "KEY", "a"],
  ["ZREM", "KEY", "a"],
  ["ZREMRANGEBYRANK", "KEY", "0", "0"],
  ["ZSCORE", "KEY", "a"],
];

const calls = COMMANDS.map((words) => {
  const args = words.map((word) => word === "KEY" ? "KEYS[1]" : `'${word}'`);
  return `try(${args.join(", ")})`;
});

/** The names of the commands that {@linkcode PROBE} tries. */
export const PROBED: readonly string[] = COMMANDS.map(([name]) => name!);

/**
 * Tries each command that scripts call, and returns those that the user may not call, or not on keys of this prefix.
 *
 * ```
 * KEYS  1 a key of no use, which is removed again
 * ARGV  1 key prefix
 * reply a list of texts: the command, and what the server says
 * ```
 */
export const PROBE: Script = new Script(
  "probe",
  `
local denied = {}
local function try(name, ...)
  local reply = redis.pcall(name, ...)
  local why = type(reply) == 'table' and reply.err
  if why and (string.find(why, 'NOPERM') or string.find(why, "can't") or string.find(why, 'permission')) then
    denied[#denied + 1] = name
    denied[#denied + 1] = why
  end
end
${calls.join("\n")}
redis.pcall('DEL', KEYS[1])
return denied
`,
);
