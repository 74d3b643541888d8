/**
 * The hooks: what comes with a job (jobs that wait for it, a group, …) and has to be handled when the job ends. Each
 * has a file here and a line in {@linkcode HOOKS}.
 *
 * @module
 */

import { CALLBACKS } from "./callbacks.ts";
import { DEPENDENTS } from "./dependents.ts";
import { GROUP } from "./group.ts";
import type { Hook } from "./hook.ts";
import { LOG } from "./log.ts";
import { RATE_LIMIT } from "./rate_limit.ts";
import { REPEAT } from "./repeat.ts";
import { STREAM } from "./stream.ts";
import { UNIQUE } from "./unique.ts";
import { TAGS } from "./tags.ts";
import { WAITING } from "./waiting.ts";
import { WEBHOOKS } from "./webhooks.ts";

/** All hooks, in the order in which they are called: what is told of a job is read before it begins anew. */
export const HOOKS: readonly Hook[] = [
  DEPENDENTS,
  RATE_LIMIT,
  GROUP,
  WAITING,
  CALLBACKS,
  WEBHOOKS,
  STREAM,
  REPEAT,
  UNIQUE,
  TAGS,
  LOG,
];

const calls = HOOKS.map(({ name }) => `  ${name}_ended(job, status)`);

/** Their pieces of Lua, and the piece that calls them. See {@linkcode link}. */
export const HOOKS_LUA: readonly string[] = [
  ...HOOKS.map(({ lua }) => lua),
  `
-- Calls all hooks of one job. See ended(), which everybody else calls.
local function call_hooks(job, status)
${calls.join("\n")}
end
`,
];
