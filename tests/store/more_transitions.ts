/** Transitions of features that have a file of their own; see tests/store/transitions_test.ts. */

import { CONTROL_TABLE } from "./control_table.ts";
import { CONTROL_TRANSITIONS } from "./control_transitions.ts";
import { DEPENDENCY_TABLE } from "./dependency_table.ts";
import { DEPENDENCY_TRANSITIONS } from "./dependency_transitions.ts";
import { GROUP_TABLE } from "./group_table.ts";
import { GROUP_TRANSITIONS } from "./group_transitions.ts";
import { LIMIT_TRANSITIONS } from "./limit_transitions.ts";
import { REGISTRY_TABLE } from "./registry_table.ts";
import { REGISTRY_TRANSITIONS } from "./registry_transitions.ts";
import { STEP_TABLE } from "./step_table.ts";
import { STEP_TRANSITIONS } from "./step_transitions.ts";
import { LOG_TABLE, LOG_TRANSITIONS } from "./log_table.ts";
import { META_TABLE, META_TRANSITIONS } from "./meta_table.ts";
import { TURN_TABLE } from "./turn_table.ts";
import { TURN_TRANSITIONS } from "./turn_transitions.ts";
import { UNIQUE_TABLE } from "./unique_table.ts";
import { UNIQUE_TRANSITIONS } from "./unique_transitions.ts";
import { WINDOW_TABLE } from "./window_table.ts";
import { WINDOW_TRANSITIONS } from "./window_transitions.ts";
import type { Transition } from "./transition_calls.ts";

/** Their parts of the table. */
export const MORE_TABLES: readonly string[] = [
  UNIQUE_TABLE,
  WINDOW_TABLE,
  TURN_TABLE,
  DEPENDENCY_TABLE,
  GROUP_TABLE,
  CONTROL_TABLE,
  REGISTRY_TABLE,
  STEP_TABLE,
  LOG_TABLE,
  META_TABLE,
];

/** Their calls, in the same order. Those of the limits are in the first part of the table. */
export const MORE_TRANSITIONS: Readonly<Record<string, Transition>> = {
  ...LIMIT_TRANSITIONS,
  ...UNIQUE_TRANSITIONS,
  ...WINDOW_TRANSITIONS,
  ...TURN_TRANSITIONS,
  ...DEPENDENCY_TRANSITIONS,
  ...GROUP_TRANSITIONS,
  ...CONTROL_TRANSITIONS,
  ...REGISTRY_TRANSITIONS,
  ...STEP_TRANSITIONS,
  ...LOG_TRANSITIONS,
  ...META_TRANSITIONS,
};
