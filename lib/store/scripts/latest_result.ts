/** Reads a job's latest result. @module */

import type { JobField } from "../../job/fields.ts";
import type { Script } from "../../redis/script.ts";
import { script } from "../lua/link.ts";

/** What the hash says of the latest run, which the entry of a plain success does not repeat. */
export const RUN_FIELDS: readonly JobField[] = [
  "status",
  "worker_name",
  "x_execution",
  "x_attempts",
  "started_at",
  "ended_at",
];

/**
 * Reads the latest entry of a job's results, and what the job's hash says of its latest run at the same moment.
 *
 * ```
 * KEYS  1 the job's hash   2 the stream of its results
 * ARGV  1 key prefix
 * reply { the entry, then the values of RUN_FIELDS, "" for those that are missing }; nothing if there is no entry
 * ```
 */
export const LATEST_RESULT: Script = script(
  "latest_result",
  `
local latest = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if latest.err or not latest[1] then return {} end
local h = redis.pcall('HMGET', KEYS[1], ${
    RUN_FIELDS.map((name) => `'${name}'`).join(", ")
  })
if h.err then h = {} end
local reply = latest
for i = 1, ${RUN_FIELDS.length} do reply[i + 1] = h[i] or '' end
return reply
`,
);
