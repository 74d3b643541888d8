/**
 * Schedules that a file declares by calls of `cron()`. They are collected in the process that has loaded the file.
 *
 * @module
 */

/** A declared schedule as JSON: what is stored of it. */
export interface DeclaredSchedule {
  readonly name: string;
  /** The JSON of a `Timing`. */
  readonly timing: string;
  /** The job of each run, as base64. */
  readonly job: string;
  /** The other fields. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/** What prepares each schedule, by its name. */
export type Declarations = Map<string, () => Promise<DeclaredSchedule>>;

/** A registered symbol: the file may have loaded `cron()` from another URL than the worker. */
const DECLARATIONS: unique symbol = Symbol.for("deno-rq.cron");

/** What stands for an export of a file where its schedules are asked for; no export can have this name. */
export const DECLARED_EXPORT = "cron()";

/** What the files that this process has loaded have declared so far. */
export function declarations(): Declarations {
  const global = globalThis as { [DECLARATIONS]?: Declarations };
  return global[DECLARATIONS] ??= new Map();
}

/** Prepares all of them; called in place of a job's function. */
export function declaredSchedules(): Promise<DeclaredSchedule[]> {
  return Promise.all([...declarations().values()].map((prepare) => prepare()));
}
