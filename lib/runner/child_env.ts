/**
 * The running job in the environment of its process.
 *
 * @module
 */

import { indexOfText, uncurryThis } from "../base/primordials.ts";
import type { Isolation } from "../job/isolation.ts";

// Captured at load: a job may replace any global.
const { env } = Deno;
const setEnv = uncurryThis(env.set);

/** RQ's variable for the id of the running job. Its value is also seen by programs that the job starts. */
const JOB_ID = "RQ_JOB_ID";

/** What sets the variable; nothing in a process that runs jobs side by side, or that may not change it. */
export function jobInEnvironment(
  isolation: Isolation,
): ((jobId: string) => void) | undefined {
  if (isolation === "shared") return undefined;
  const permission = { name: "env", variable: JOB_ID } as const;
  const { state } = Deno.permissions.querySync(permission);
  if (state !== "granted") return undefined;
  return (jobId) => {
    // An id in Redis may be any text; no variable can hold this one.
    if (indexOfText(jobId, "\0") < 0) setEnv(env, JOB_ID, jobId);
  };
}
