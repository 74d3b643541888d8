/** Calls that are sent twice, of features that have a file of their own; see tests/store/replay_test.ts. */

import { CALLBACK_REPORTS, CALLBACK_SCENES } from "./callback_scenes.ts";
import { CONTROL_REPORTS, CONTROL_SCENES } from "./control_scenes.ts";
import { CREATED_SCENES } from "./created_scenes.ts";
import { DEPENDENCY_SCENES } from "./dependency_scenes.ts";
import { GROUP_REPORTS, GROUP_SCENES } from "./group_scenes.ts";
import { LIMIT_REPORTS, LIMIT_SCENES } from "./limit_scenes.ts";
import { REGISTRY_REPORTS, REGISTRY_SCENES } from "./registry_scenes.ts";
import { STEP_SCENES } from "./step_scenes.ts";
import { META_SCENES } from "./meta_scenes.ts";
import { LOG_SCENES } from "./log_scenes.ts";
import { UNIQUE_REPORTS, UNIQUE_SCENES } from "./unique_scenes.ts";
import { TAG_SCENES } from "./tag_scenes.ts";
import type { Scene } from "./replay_test.ts";

/** Those whose second answer is the same. */
export const MORE_SCENES: readonly [string, Scene][] = [
  ...CALLBACK_SCENES,
  ...CONTROL_SCENES,
  ...CREATED_SCENES,
  ...DEPENDENCY_SCENES,
  ...GROUP_SCENES,
  ...LIMIT_SCENES,
  ...REGISTRY_SCENES,
  ...STEP_SCENES,
  ...META_SCENES,
  ...LOG_SCENES,
  ...UNIQUE_SCENES,
  ...TAG_SCENES,
];

/** Those whose second answer is that nothing was done. */
export const MORE_REPORTS: readonly [string, Scene][] = [
  ...CALLBACK_REPORTS,
  ...CONTROL_REPORTS,
  ...GROUP_REPORTS,
  ...LIMIT_REPORTS,
  ...REGISTRY_REPORTS,
  ...UNIQUE_REPORTS,
];
