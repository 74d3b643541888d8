/**
 * The names of a job's options, apart from their check, which a subprocess does not need.
 *
 * @module
 */

import type { JobOptions } from "./options.ts";

/** Every option of a job. */
export const JOB_OPTIONS: Readonly<Record<keyof JobOptions, true>> = {
  timeout: true,
  resultTtl: true,
  failureTtl: true,
  ttl: true,
  jobId: true,
  atFront: true,
  description: true,
  meta: true,
  isolation: true,
};
