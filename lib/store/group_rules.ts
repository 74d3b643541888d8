/** What scripts and TypeScript both have to know of groups. @module */

/** What a group is counted by: its members, all that there ever were, and how they have ended. */
export const GROUP_COUNTS = [
  "total",
  "finished",
  "failed",
  "stopped",
  "canceled",
  "gone",
] as const;

/** The jobs that a group calls for when it is complete, and the like: the fields of its hash that hold them. */
export const GROUP_CALLBACKS = [
  "on_complete",
  "on_success",
  "on_failure",
] as const;

/** The name of such a field. */
export type GroupCallback = (typeof GROUP_CALLBACKS)[number];

/** With this begins the member of a group that is a group itself; no id of a job has a colon. */
export const INNER_GROUP = "group:";

/** How many groups may be one inside the other. */
export const MAX_DEPTH = 10;

/** For how many seconds a group is kept of which no job is left, or that has never had one, unless it says. */
export const GROUP_TTL: number = 24 * 3_600;

/** After how many seconds a group that is not complete is looked at again. */
export const LOOK_SECONDS = 15;

/** The same of a complete one, which is kept while it has jobs. */
export const KEPT_LOOK_SECONDS = 600;
