/** Behind `Group.create()`. @module */

import type { Script } from "../../redis/script.ts";
import { INNER_GROUP, MAX_DEPTH } from "../group_rules.ts";
import { script } from "../lua/link.ts";

/**
 * Creates a group without members.
 *
 * ```
 * KEYS  1 the hash of the group   2 the set of its jobs
 * ARGV  1 key prefix   2 group id   3 token of this call   4 seconds for which it is kept when it is complete, or unused
 *       5 id of the group that it belongs to, "" for none   6 … fields of its hash and their values
 * reply "created"   "taken"   "no parent"   "too deep"
 *       "unfit" a key of one of the groups holds another type of value
 * ```
 *
 * The hash keeps the token, so that the same call, repeated, gets the same answer.
 */
export const CREATE_GROUP: Script = script(
  "create_group",
  `
local g, token, ttl, parent = ARGV[2], ARGV[3], seconds(ARGV[4], -1), ARGV[5]
if redis.pcall('HGET', KEYS[1], 'token') == token then return 'created' end
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 'taken' end
if not holds_only('set', group_open_key(g)) then return 'unfit' end
if parent ~= '' then
  local belongs, above, depth = group_fits(parent), parent, 1
  if not belongs then return belongs == nil and 'no parent' or 'unfit' end
  while type(above) == 'string' do
    depth = depth + 1
    if above == g or depth > ${MAX_DEPTH} then return 'too deep' end
    above = redis.pcall('HGET', group_state_key(above), 'parent')
  end
end
redis.call('HSET', KEYS[1], 'token', token, 'created_at', iso(), 'ttl', ttl, unpack(ARGV, 6))
expire(KEYS[1], ttl)
redis.pcall('SADD', GROUPS, g)
if parent ~= '' then
  redis.call('HSET', KEYS[1], 'parent', parent, 'x_grouped', 'open')
  redis.pcall('HINCRBY', group_state_key(parent), 'removed', 1) -- only jobs are in RQ's set
  recount(parent, '${INNER_GROUP}' .. g, nil, 'open')
  open_group(parent)
end
return 'created'
`,
);
