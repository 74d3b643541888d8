/** Jobs of the benchmark of features. */

import { currentJob } from "../../../../lib/runner/current.ts";

/** Fails in its first attempt, then gives its argument back. */
export function failsOnce(name: string): string {
  if (currentJob.attempt === 1) throw new Error("once");
  return name;
}
