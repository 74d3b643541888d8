/** A job that logs and fails. */

import { currentJob } from "../../../lib/runner/current.ts";

export function logs_and_fails(): never {
  currentJob.log(`run ${currentJob.attempt}`);
  throw new Error("always");
}
