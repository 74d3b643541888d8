/**
 * What a job may come with (others that wait for it, a group, …), and what becomes of that when it ends. Each has a file of its
 * own here and a line in {@linkcode HOOKS}.
 *
 * @module
 */

import { DEPENDENTS } from "./dependents.ts";
import { GROUP } from "./group.ts";
import type { Hook } from "./hook.ts";
import { WAITING } from "./waiting.ts";

/** In the order in which they are told of an end. */
export const HOOKS: readonly Hook[] = [
  DEPENDENTS,
  GROUP,
  WAITING,
];

const calls = HOOKS.map(({ name }) => `  ${name}_ended(job, status)`);

/** Their pieces, and the one that calls them. See {@linkcode link}. */
export const HOOKS_LUA: readonly string[] = [
  ...HOOKS.map(({ lua }) => lua),
  `
-- Tells all that has to do with a job of its end, which its hash shows already ("finished", …), or that it is about to be
-- removed ("deleted").
local function ended(job, status)
${calls.join("\n")}
end
`,
];
