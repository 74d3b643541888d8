/** Callbacks that only Deno has. The first argument of each job is the file that they append to. */

import type {
  FailedJob,
  FinishedJob,
  StoppedJob,
} from "../../../lib/runner/current.ts";
import { mark } from "./shared.ts";

export function told(job: FinishedJob | FailedJob | StoppedJob): void {
  const [path] = job.args as [string];
  const what = job.status === "finished"
    ? job.result
    : job.error.split("\n")[0];
  mark(path, JSON.stringify([job.id, job.func, job.status, what]));
}
